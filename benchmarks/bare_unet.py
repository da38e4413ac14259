"""A UNet with little in it but its transformer blocks, or their cross-attention, so that seconds go where an adapter acts."""

from __future__ import annotations

from collections.abc import Callable, Iterator
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
    with _replaced(network, _beside_cross_attention):
        yield


@contextmanager
def transformers_alone(network: Any) -> Iterator[None]:
    """Leave what lies around its transformers out of a ComfyUI UNet for a time, as `cross_attention_alone`."""
    with _replaced(network, _beside_transformers):
        yield


StandIn = Callable[[nn.Module, str, Any], nn.Module | None]  # parent, name and child, to what stands for the child


@contextmanager
def _replaced(network: nn.Module, stand_in: StandIn) -> Iterator[None]:
    kept: list[tuple[nn.Module, str, nn.Module]] = []
    for parent in list(network.modules()):
        for name, child in list(parent.named_children()):
            other = stand_in(parent, name, child)
            if other is not None:
                kept.append((parent, name, child))
                setattr(parent, name, other)
    try:
        yield
    finally:
        for parent, name, child in kept:
            setattr(parent, name, child)


def _beside_transformers(parent: nn.Module, name: str, child: Any) -> nn.Module | None:
    from comfy.ldm.modules.diffusionmodules.openaimodel import ResBlock, Upsample

    del parent, name
    if isinstance(child, ResBlock):
        return Repeated(child.out_channels)
    return nn.Upsample(scale_factor=2) if isinstance(child, Upsample) else None


def _beside_cross_attention(parent: nn.Module, name: str, child: Any) -> nn.Module | None:
    from comfy.ldm.modules.attention import BasicTransformerBlock, SpatialTransformer

    if isinstance(parent, BasicTransformerBlock) and name in ("attn1", "ff"):
        return Nothing()
    if isinstance(parent, SpatialTransformer) and name in ("proj_in", "proj_out"):
        return nn.Identity()  # both sides of it are equally wide in SD1.5 and SDXL
    return _beside_transformers(parent, name, child)
