"""The text encoders of SD1.5 and SDXL, and prompts to what the UNet reads."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

import torch
from torch import Tensor, nn
from transformers import CLIPTextConfig, CLIPTextModel, CLIPTextModelWithProjection

from ..models.clip import BOS, EOS, text_ids
from ..models.weights.state_dict import require_keys
from .clip_weights import fill_clip

TOKENS = 77
HEAD = 64  # width of one attention head in CLIP-L and OpenCLIP-G
PREFIX = "text_model."
_POSITIONS = "embeddings.position_ids"


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class TextEncoder:
    """One text encoder.

    Attributes:
        module: CLIPTextModel or CLIPTextModelWithProjection.
        pad: token after the end of the text.
        last_layer: whether the UNet reads the last layer after its norm (SD1.5) or the one before, unnormed (SDXL).
    """

    module: nn.Module
    pad: int
    last_layer: bool


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class TextCondition:
    """What the UNet reads of prompts.

    Attributes:
        tokens: (B, 77, D).
        pooled: (B, P) for SDXL, None for SD1.5.
    """

    tokens: Tensor
    pooled: Tensor | None


def load_clip(weights: Mapping[str, Tensor], name: str, *, last_layer: bool, dtype: torch.dtype) -> TextEncoder:
    """CLIP-L from transformers' key names.

    Raises:
        UnknownCheckpointError: if tensors are missing, unknown or of another shape.
    """
    weights = {key.removeprefix(PREFIX): tensor for key, tensor in weights.items()}
    weights = {key: tensor for key, tensor in weights.items() if key != _POSITIONS and "text_projection" not in key}
    require_keys(weights, {"embeddings.token_embedding.weight": 2, "encoder.layers.0.mlp.fc1.weight": 2}, name)
    vocabulary, width = weights["embeddings.token_embedding.weight"].shape
    config = CLIPTextConfig(
        vocab_size=vocabulary,
        hidden_size=width,
        intermediate_size=weights["encoder.layers.0.mlp.fc1.weight"].shape[0],
        num_hidden_layers=len({key.split(".")[2] for key in weights if key.startswith("encoder.layers.")}),
        num_attention_heads=max(1, width // HEAD),
        hidden_act="quick_gelu",
        bos_token_id=BOS,
        eos_token_id=EOS,
    )
    with torch.device("meta"):
        module = CLIPTextModel(config)
    return TextEncoder(module=fill_clip(module, weights, PREFIX, name, dtype), pad=EOS, last_layer=last_layer)


def load_openclip(weights: Mapping[str, Tensor], prefix: str, name: str, *, dtype: torch.dtype) -> TextEncoder:
    """OpenCLIP-G from open_clip's key names below a prefix.

    Raises:
        UnknownCheckpointError: if tensors are missing, unknown or of another shape.
    """
    from diffusers.loaders.single_file_utils import convert_open_clip_checkpoint

    axes = {"token_embedding.weight": 2, "text_projection": 2, "transformer.resblocks.0.mlp.c_fc.weight": 2}
    require_keys(weights, {prefix + key: number for key, number in axes.items()}, name)
    vocabulary, width = weights[f"{prefix}token_embedding.weight"].shape
    blocks = f"{prefix}transformer.resblocks."
    config = CLIPTextConfig(
        vocab_size=vocabulary,
        hidden_size=width,
        intermediate_size=weights[f"{blocks}0.mlp.c_fc.weight"].shape[0],
        num_hidden_layers=len({key[len(blocks) :].split(".")[0] for key in weights if key.startswith(blocks)}),
        num_attention_heads=max(1, width // HEAD),
        hidden_act="gelu",
        projection_dim=weights[f"{prefix}text_projection"].shape[1],
        bos_token_id=BOS,
        eos_token_id=EOS,
    )
    with torch.device("meta"):
        module = CLIPTextModelWithProjection(config)
    converted = cast(dict[str, Tensor], convert_open_clip_checkpoint(module, dict(weights), prefix=prefix))
    return TextEncoder(module=fill_clip(module, converted, "", name, dtype), pad=0, last_layer=False)


def encode_prompts(encoders: Sequence[TextEncoder], prompts: Sequence[str]) -> TextCondition:
    """What the UNet reads of prompts: all encoders' hidden states side by side, and the last one's pooled text.

    Args:
        encoders: of one base model.
        prompts: B texts; what is beyond 75 tokens is cut off.

    Returns:
        On the encoders' device and in their dtype, without gradients.
    """
    return encode_ids(encoders, [[token_ids(prompt, encoder.pad) for prompt in prompts] for encoder in encoders])


def encode_ids(encoders: Sequence[TextEncoder], ids: Sequence[Sequence[Sequence[int]]]) -> TextCondition:
    """What the UNet reads of prompts that are ids already, see `encode_prompts`.

    Args:
        encoders: of one base model.
        ids: for each of them B rows of 77. A row without an end token is pooled at its first one.
    """
    states: list[Tensor] = []
    pooled: Tensor | None = None
    for encoder, rows in zip(encoders, ids, strict=True):
        device = next(encoder.module.parameters()).device
        with torch.no_grad():
            output: Any = encoder.module(torch.tensor(rows, device=device), output_hidden_states=True)
        states.append(output.last_hidden_state if encoder.last_layer else output.hidden_states[-2])
        pooled = getattr(output, "text_embeds", None)
    return TextCondition(tokens=torch.cat(states, dim=-1), pooled=pooled)


def token_ids(prompt: str, pad: int) -> list[int]:
    """A prompt as a text encoder takes it: 77 ids, beginning and end marked, filled up with `pad`, the rest cut off."""
    ids = [BOS, *text_ids(prompt)[: TOKENS - 2], EOS]
    return ids + [pad] * (TOKENS - len(ids))
