"""CLIP's image encoder with its projection: one vector for a picture, as styles are known by."""

from __future__ import annotations

from typing import Any, Literal

import torch
from torch import Tensor, nn
from transformers import CLIPVisionConfig, CLIPVisionModelWithProjection

from ..models.weights.reading import Source, read_flat
from ..models.weights.state_dict import require_keys
from .clip_weights import fill_clip
from .image_encoder import HEADS, PATCH

PREFIX, PROJECTION = "vision_model.", "visual_projection.weight"
HEAD = 64  # width of one attention head in those of CLIP with larger patches
_POSITIONS = f"{PREFIX}embeddings.position_ids"


def load_image_embedder(
    source: Source, *, activation: Literal["quick_gelu", "gelu"], dtype: torch.dtype = torch.float32
) -> nn.Module:
    """Read an image encoder with its projection.

    Args:
        source: path or state dict under transformers' key names; the text tower of a whole CLIP model is passed over.
        activation: that the weights were trained with, which no tensor tells; OpenAI's have the quick one.
        dtype: of the encoder.

    Returns:
        A CLIPVisionModelWithProjection, frozen, in eval mode.

    Raises:
        UnknownCheckpointError: if it is something else, or has no projection.
    """
    weights, name = read_flat(source)
    name = f"{name}, CLIP image encoder,"
    patches, positions = f"{PREFIX}embeddings.patch_embedding.weight", f"{PREFIX}embeddings.position_embedding.weight"
    feed = f"{PREFIX}encoder.layers.0.mlp.fc1.weight"
    require_keys(weights, {patches: 4, positions: 2, feed: 2, PROJECTION: 2}, name)
    weights = {
        key: tensor
        for key, tensor in weights.items()
        if key == PROJECTION or (key.startswith(PREFIX) and key != _POSITIONS)
    }
    width, _, patch, _ = weights[patches].shape
    layers = {key.split(".")[3] for key in weights if key.startswith(f"{PREFIX}encoder.layers.")}
    config = CLIPVisionConfig(
        hidden_size=width,
        intermediate_size=weights[feed].shape[0],
        projection_dim=weights[PROJECTION].shape[0],
        num_hidden_layers=len(layers),
        num_attention_heads=HEADS if patch == PATCH else max(1, width // HEAD),
        image_size=round((weights[positions].shape[0] - 1) ** 0.5) * patch,
        patch_size=patch,
        hidden_act=activation,
    )
    with torch.device("meta"):
        module = CLIPVisionModelWithProjection(config)
    return fill_clip(module, weights, "", name, dtype)


def image_embeddings(encoder: nn.Module, pixels: Tensor) -> Tensor:
    """Projected embeddings of pictures, not normalised.

    Args:
        encoder: of `load_image_embedder`.
        pixels: normalised pictures, (R, 3, S, S).

    Returns:
        (R, E) float32, on the encoder's device, without gradients.
    """
    with torch.no_grad():
        output: Any = encoder(pixel_values=pixels.to(next(encoder.parameters())))
    return output.image_embeds.float()
