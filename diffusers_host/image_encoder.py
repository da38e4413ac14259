"""CLIP's image encoder from one file: the picture tokens that the structure of a face is read from."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from transformers import CLIPVisionConfig, CLIPVisionModel

from ..models.weights.reading import Source, read_flat
from ..models.weights.state_dict import require_keys, subset
from .clip_weights import fill_clip

PREFIX = "vision_model."
PATCH, HEADS = (
    14,
    16,
)  # pixels, and the heads of every CLIP image encoder of such patches: ViT-L, ViT-H, ViT-g, ViT-bigG
OPENAI_WIDTH = 1024  # ViT-L/14; OpenAI's has the quick form of GELU, OpenCLIP's ViT-H and ViT-G the exact one
_POSITIONS = "embeddings.position_ids"


def load_image_encoder(source: Source, *, dtype: torch.dtype = torch.float32) -> nn.Module:
    """Read an image encoder.

    Args:
        source: path or state dict under transformers' key names, as ComfyUI's CLIP vision loader takes it; a projection
            in it is passed over.
        dtype: of the encoder.

    Returns:
        A CLIPVisionModel, frozen, in eval mode.

    Raises:
        UnknownCheckpointError: if it is something else.
    """
    weights, name = read_flat(source)
    name = f"{name}, CLIP image encoder,"
    patches, positions = f"{PREFIX}embeddings.patch_embedding.weight", f"{PREFIX}embeddings.position_embedding.weight"
    require_keys(weights, {patches: 4, positions: 2, f"{PREFIX}encoder.layers.0.mlp.fc1.weight": 2}, name)
    weights = {key: tensor for key, tensor in subset(weights, PREFIX).items() if key != _POSITIONS}
    width, _, patch, _ = weights["embeddings.patch_embedding.weight"].shape
    side = round((weights["embeddings.position_embedding.weight"].shape[0] - 1) ** 0.5)
    config = CLIPVisionConfig(
        hidden_size=width,
        intermediate_size=weights["encoder.layers.0.mlp.fc1.weight"].shape[0],
        num_hidden_layers=len({key.split(".")[2] for key in weights if key.startswith("encoder.layers.")}),
        num_attention_heads=HEADS,
        image_size=side * patch,
        patch_size=patch,
        hidden_act="quick_gelu" if width == OPENAI_WIDTH else "gelu",
    )
    with torch.device("meta"):
        module = CLIPVisionModel(config)
    return fill_clip(module, weights, PREFIX, name, dtype)


def hidden_tokens(encoder: nn.Module, pixels: Tensor) -> Tensor:
    """The penultimate hidden state, class token first.

    Args:
        encoder: of `load_image_encoder`.
        pixels: normalised pictures, (R, 3, 224, 224).

    Returns:
        (R, 257, width) in the encoder's type, on its device, without gradients.
    """
    with torch.no_grad():
        output: Any = encoder(pixel_values=pixels.to(next(encoder.parameters())), output_hidden_states=True)
    return output.hidden_states[-2]


def image_tokens(encoder: nn.Module, pixels: Tensor) -> Tensor:
    """The same without the class token, (R, 256, width)."""
    return hidden_tokens(encoder, pixels)[:, 1:]
