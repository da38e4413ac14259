"""A small FaceStudio file: the weights of one, for a UNet with two cross-attention layers of 32 channels."""

from __future__ import annotations

import torch
from likeness.models.facestudio.description import Description
from torch import Tensor

STYLE, FACE, TOKENS, WIDTH, CHANNELS = 6, 5, 3, 8, 32
DESCRIPTION = Description(encoder="other", space="small", face_width=FACE)


def small_weights(
    *,
    style: int = STYLE,
    face: int = FACE,
    tokens: int = TOKENS,
    width: int = WIDTH,
    pooled: int = 0,
    whole: bool = False,
) -> dict[str, Tensor]:
    """Weights of a file; `pooled` is the width of SDXL's vector, and `whole` puts a UNet of two tensors in place of changed parts."""
    generator = torch.Generator().manual_seed(0)

    def random(*shape: int) -> Tensor:
        return torch.randn(shape, generator=generator) / 4

    found = {"layer.weight": random(tokens * width, style + face), "layer.bias": random(tokens, width)}
    if pooled:
        found |= {"pooled.weight": random(pooled, width), "pooled.bias": random(pooled), "pooled.empty": random(pooled)}
    if whole:
        return found | {"unet.conv_in.weight": random(4, 4, 3, 3), "unet.conv_in.bias": random(4)}
    for site in (1, 3):
        found[f"attention.{site}.to_k.weight"] = random(CHANNELS, width)
        found[f"attention.{site}.to_v.weight"] = random(CHANNELS, width)
        for part in ("q", "out"):
            found[f"lora.{site}.to_{part}_lora.down.weight"] = random(2, CHANNELS)
            found[f"lora.{site}.to_{part}_lora.up.weight"] = random(CHANNELS, 2)
    return found
