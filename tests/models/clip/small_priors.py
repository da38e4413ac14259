"""Small random priors in the layout of the published files."""

import torch
from torch import Tensor

WIDTH, HEAD, EMBEDDING, TEXT, TOKENS = 24, 8, 10, 6, 5


def random_weights(
    blocks: int = 2,
    seed: int = 0,
    *,
    embedding: int = EMBEDDING,
    text: int = TEXT,
    tokens: int = TOKENS,
    width: int = WIDTH,
) -> dict[str, Tensor]:
    """Every tensor of a small prior, P = 24 with three heads, E = 10, W = 6, T = 5 unless others are given."""
    linear = {
        "time_embedding.linear_1": (width, width),
        "time_embedding.linear_2": (width, width),
        "proj_in": (width, embedding),
        "embedding_proj": (width, text),
        "encoder_hidden_states_proj": (width, text),
        "proj_to_clip_embeddings": (embedding, width),
    }
    norms = ["norm_out"]
    for number in range(blocks):
        block = f"transformer_blocks.{number}"
        norms += [f"{block}.norm1", f"{block}.norm3"]
        linear |= {f"{block}.attn1.{part}": (width, width) for part in ("to_q", "to_k", "to_v", "to_out.0")}
        linear |= {f"{block}.ff.net.0.proj": (4 * width, width), f"{block}.ff.net.2": (width, 4 * width)}
    shapes = {f"{name}.weight": shape for name, shape in linear.items()}
    shapes |= {f"{name}.bias": shape[:1] for name, shape in linear.items()}
    shapes |= {f"{name}.{part}": (width,) for name in norms for part in ("weight", "bias")}
    shapes |= {"positional_embedding": (1, tokens + 4, width), "prd_embedding": (1, 1, width)}
    shapes |= {"clip_mean": (1, embedding), "clip_std": (1, embedding)}
    generator = torch.Generator().manual_seed(seed)
    weights = {key: torch.randn(shape, generator=generator) / shape[-1] ** 0.5 for key, shape in shapes.items()}
    weights["clip_std"] = weights["clip_std"].abs() + 0.5
    return weights


def text(rows: int, seed: int = 1) -> tuple[Tensor, Tensor, Tensor]:
    """Hidden states, pooled embeddings and masks of texts, each two tokens longer than the one before."""
    generator = torch.Generator().manual_seed(seed)
    hidden = torch.randn(rows, TOKENS, TEXT, generator=generator)
    pooled = torch.randn(rows, TEXT, generator=generator)
    lengths = (2 + 2 * torch.arange(rows)).clamp(max=TOKENS)
    return hidden, pooled, (torch.arange(TOKENS) < lengths[:, None]).to(torch.uint8)
