"""A UNet with little in it but its cross-attention, so that seconds go where an adapter acts."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn


class Nothing(nn.Module):
    """Stands for what is added to its input: zeros."""

    def forward(self, hidden: Tensor, *_: Any, **__: Any) -> Tensor:
        """Zeros of the shape of `hidden`."""
        return torch.zeros_like(hidden)


class Repeated(nn.Module):
    """Stands for a convolution that changes the number of channels: repeats them until there are as many.

    Args:
        channels: there shall be.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.channels = channels

    def forward(self, hidden: Tensor) -> Tensor:
        """(B, C, H, W) to (B, channels, H, W)."""
        return hidden.repeat(1, -(-self.channels // hidden.shape[1]), 1, 1)[:, : self.channels]


@contextmanager
def cross_attention_alone(network: Any) -> Iterator[None]:
    """Leave convolutions, self-attention, feed-forward layers and what lies around them out of a ComfyUI UNet for a time.

    What remains is fed tensors of the same shapes. Adapters must be in place before, and the context gives everything back.
    """
    kept: list[tuple[nn.Module, str, nn.Module]] = []
    for parent in list(network.modules()):
        for name, child in list(parent.named_children()):
            stand_in = _stand_in(parent, name, child)
            if stand_in is not None:
                kept.append((parent, name, child))
                setattr(parent, name, stand_in)
    try:
        yield
    finally:
        for parent, name, child in kept:
            setattr(parent, name, child)


def _stand_in(parent: nn.Module, name: str, child: Any) -> nn.Module | None:
    from comfy.ldm.modules.attention import BasicTransformerBlock, SpatialTransformer
    from comfy.ldm.modules.diffusionmodules.openaimodel import ResBlock, Upsample

    if isinstance(child, ResBlock):
        return Repeated(child.out_channels)
    if isinstance(child, Upsample):
        return nn.Upsample(scale_factor=2)
    if isinstance(parent, BasicTransformerBlock) and name in ("attn1", "ff"):
        return Nothing()
    if isinstance(parent, SpatialTransformer) and name in ("proj_in", "proj_out"):
        return nn.Identity()  # both sides of it are equally wide in SD1.5 and SDXL
    return None
