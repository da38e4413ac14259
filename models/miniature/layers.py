"""What the miniature's small networks that look at pictures are made of."""

from __future__ import annotations

from torch import nn

GROUPS = 8


def normed_convolution(inputs: int, outputs: int, stride: int) -> nn.Sequential:
    """Return a 3×3 convolution, a group norm and SiLU: (B, inputs, h, w) to (B, outputs, h/stride, w/stride)."""
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, 3, stride=stride, padding=1), nn.GroupNorm(GROUPS, outputs), nn.SiLU()
    )
