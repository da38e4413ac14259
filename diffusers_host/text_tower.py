"""What a text tower of CLIP says of a text to a prior: last hidden states, projected embedding, where the text is over."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from transformers import CLIPTextConfig, CLIPTextModelWithProjection

from ..models.clip import BOS, EOS
from ..models.weights.reading import Source, read_flat
from ..models.weights.state_dict import require_keys
from .clip_weights import fill_clip
from .text_encoders import HEAD, PREFIX, TextEncoder, token_ids

PROJECTION = "text_projection.weight"
_TOKENS, _FEED = f"{PREFIX}embeddings.token_embedding.weight", f"{PREFIX}encoder.layers.0.mlp.fc1.weight"
_POSITIONS = f"{PREFIX}embeddings.position_ids"


@dataclass(frozen=True, eq=False, slots=True)
class TextReading:
    """What a text tower says of R texts, float32 on the tower's device.

    Attributes:
        hidden: states of the last layer behind the final LayerNorm, (R, 77, W).
        pooled: of the first end token, projected where the tower has a projection, not normalised, (R, W).
        mask: 1 up to the first end token, 0 behind it, (R, 77).
    """

    hidden: Tensor
    pooled: Tensor
    mask: Tensor


def load_text_tower(source: Source, *, dtype: torch.dtype = torch.float32) -> TextEncoder:
    """Read OpenAI's CLIP text tower with its projection.

    Args:
        source: path or state dict under transformers' key names; the picture tower of a whole CLIP model is passed over.
        dtype: of the tower.

    Raises:
        UnknownCheckpointError: if it is something else, or has no projection, as the text encoders of SD1.5 and SDXL.
    """
    weights, name = read_flat(source)
    name = f"{name}, CLIP text tower,"
    require_keys(weights, {_TOKENS: 2, _FEED: 2, PROJECTION: 2}, name)
    weights = {
        key: tensor
        for key, tensor in weights.items()
        if key == PROJECTION or (key.startswith(PREFIX) and key != _POSITIONS)
    }
    vocabulary, width = weights[_TOKENS].shape
    config = CLIPTextConfig(
        vocab_size=vocabulary,
        hidden_size=width,
        intermediate_size=weights[_FEED].shape[0],
        num_hidden_layers=len({key.split(".")[3] for key in weights if key.startswith(f"{PREFIX}encoder.layers.")}),
        num_attention_heads=max(1, width // HEAD),
        projection_dim=weights[PROJECTION].shape[0],
        hidden_act="quick_gelu",
        bos_token_id=BOS,
        eos_token_id=EOS,
    )
    with torch.device("meta"):
        module = CLIPTextModelWithProjection(config)
    return TextEncoder(module=fill_clip(module, weights, "", name, dtype), pad=EOS, last_layer=True)


def read_texts(encoder: TextEncoder, texts: Sequence[str]) -> TextReading:
    """What a text tower says of texts; what is beyond 75 tokens is cut off.

    Args:
        encoder: of `load_text_tower`, or any other text encoder, without a projection perhaps.
        texts: R of them.

    Returns:
        It, without gradients.
    """
    device = next(encoder.module.parameters()).device
    ids = torch.tensor([token_ids(text, encoder.pad) for text in texts], device=device)
    with torch.no_grad():
        output: Any = encoder.module(ids)
    pooled = getattr(output, "text_embeds", None)
    ends = (ids == EOS).int()
    return TextReading(
        hidden=output.last_hidden_state.float(),
        pooled=(output.pooler_output if pooled is None else pooled).float(),
        mask=(ends.cumsum(-1) - ends == 0).float(),  # no end token before it
    )
