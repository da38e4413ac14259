"""Layouts of priors from text to picture embeddings, in the keys of diffusers, and of text encoders with their projection."""

from __future__ import annotations

from .checkpoints import CLIP_L_WIDTH, clip_text
from .layers import Layout, linear, norm, prefixed

PRIOR_WIDTH, PRIOR_DEPTH = 2048, 20
EXTRA_TOKENS, TEXT_TOKENS = 4, 77


def prior(embedding: int, depth: int = PRIOR_DEPTH) -> Layout:
    """The prior of Karlo and Kandinsky 2.1 (embeddings 768 wide) or of Kandinsky 2.2 (1280).

    Args:
        embedding: width of picture embeddings and of the text encoder.
        depth: blocks; the published files have 20.
    """
    width = PRIOR_WIDTH
    layout: Layout = {
        "positional_embedding": (1, TEXT_TOKENS + EXTRA_TOKENS, width),
        "prd_embedding": (1, 1, width),
        "clip_mean": (1, embedding),
        "clip_std": (1, embedding),
    }
    layout |= linear("time_embedding.linear_1", width, width) | linear("time_embedding.linear_2", width, width)
    for name in ("proj_in", "embedding_proj", "encoder_hidden_states_proj"):
        layout |= linear(name, width, embedding)
    for index in range(depth):
        layout |= _block(f"transformer_blocks.{index}", width)
    return {**layout, **norm("norm_out", width), **linear("proj_to_clip_embeddings", embedding, width)}


def projected_clip_text() -> Layout:
    """CLIP ViT-L/14's text encoder with its text projection, a file of its own, which checkpoints do not hold."""
    projection = linear("text_projection", CLIP_L_WIDTH, CLIP_L_WIDTH, bias=False)
    return prefixed("text_model", clip_text()) | projection


def _block(key: str, width: int) -> Layout:
    layout = norm(f"{key}.norm1", width) | norm(f"{key}.norm3", width)
    for name in ("to_q", "to_k", "to_v", "to_out.0"):
        layout |= linear(f"{key}.attn1.{name}", width, width)
    return layout | linear(f"{key}.ff.net.0.proj", 4 * width, width) | linear(f"{key}.ff.net.2", width, 4 * width)
