"""Shapes as signed distances, and the share of each pixel that they cover."""

from __future__ import annotations

import torch
from torch import Tensor

Number = Tensor | float


def cover(distance: Tensor, scale: Tensor) -> Tensor:
    """Return how much of each pixel lies inside; overwrites the distance.

    Args:
        distance: to the edge, negative inside, (B, h, w).
        scale: pixels per unit of the distance, (B, 1, 1).

    Returns:
        (B, h, w), 0–1; the edge is one pixel wide.
    """
    return distance.mul_(-scale).add_(0.5).clamp_(0, 1)


def rounded(x: Tensor, y: Tensor, square: Number) -> Tensor:
    """Return 1 on the edge of a disc that turns into a rounded square as `square` goes from 0 to 1; 0 in the middle.

    Args:
        x: in radii, (B, h, w).
        y: in radii, (B, h, w).
        square: (B, 1, 1) or a number.

    Returns:
        (1 - square)·(x² + y²) + square·(x⁴ + y⁴), (B, h, w).
    """
    x2, y2 = x * x, y * y
    fourth = x2 * x2 + y2 * y2
    return x2.add_(y2).mul_(1 - square).add_(fourth.mul_(square))


def disc(x: Tensor, y: Tensor, radius: Number) -> Tensor:
    """Return the distance to a circle around 0, exact near its edge, (B, h, w)."""
    return (x * x).addcmul_(y, y).sub_(radius * radius).div_(2 * radius)


def oval(x: Tensor, y: Tensor, width: Number, height: Number) -> Tensor:
    """Return the distance to an ellipse around 0, `height` its shorter half axis, (B, h, w); good near its edge."""
    x, y = x / width, y / height
    return (x * x + y * y).sub_(1).mul_(0.5 * height)


def band(distance: Tensor, half_width: Number) -> Tensor:
    """Return the distance to a line of some width along an edge; overwrites the distance."""
    return distance.abs_().sub_(half_width)


def wave(turns: Tensor) -> Tensor:
    """Return a parabolic sine, (…), -1 to 1, one period per 1.

    Only sums and products, so that the last bit is the same on every processor and wherever a value stands in a tensor.
    """
    rest = turns - turns.round()
    return rest * (8 - 16 * rest.abs())


def pixelwise(values: Tensor) -> Tensor:
    """Return (B,) values as (B, 1, 1) float32, ready to meet pixels."""
    return values.to(torch.float32)[:, None, None]
