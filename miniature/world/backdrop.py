"""Backgrounds: patterns of two colours that all have the same mean."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, fields

import torch
from torch import Tensor

from .palette import GROUND, TINTS
from .shapes import pixelwise, wave

PERIOD = (0.15, 0.25)  # share of the picture's side; a latent of an ordinary VAE is 0.06 of it at 128 pixels
TILT = 30.0  # degrees, either way
DOT = 0.32  # radius, periods
DOT_SHARE = math.pi * DOT**2  # of the area


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class Backdrop:
    """Backgrounds of pictures.

    Attributes:
        pattern: code of `facts.PATTERNS`, (B,) int64.
        tint: code of `palette.TINTS`, (B,) int64.
        period: share of the picture's side, (B,) float64.
        turn: radians, (B,) float64.
        shift: in periods, (B, 2) float64.
    """

    pattern: Tensor
    tint: Tensor
    period: Tensor
    turn: Tensor
    shift: Tensor

    def of(self, rows: Tensor) -> Backdrop:
        """Return the backgrounds of some of the pictures."""
        return Backdrop(**{field.name: getattr(self, field.name)[rows] for field in fields(self)})

    def paint(self, size: int) -> Tensor:
        """Paint the backgrounds, (B, 3, size, size) float32, mean `GROUND`."""
        middle = torch.arange(size).add(0.5).div(size).sub(0.5)
        cos, sin = self.turn.cos(), self.turn.sin()
        amount = torch.empty(len(self.pattern), size, size)
        for code, draw in enumerate(_PATTERNS):
            rows = self.pattern == code
            if not rows.any():
                continue
            period = pixelwise(self.period[rows])
            along = (middle * pixelwise(cos[rows]) + middle[:, None] * pixelwise(sin[rows])) / period
            across = (middle[:, None] * pixelwise(cos[rows]) - middle * pixelwise(sin[rows])) / period
            shift = self.shift[rows]
            amount[rows] = draw(along, across, (pixelwise(shift[:, 0]), pixelwise(shift[:, 1])), period * size)
        return GROUND + amount[:, None] * TINTS[self.tint][:, :, None, None]


Shift = tuple[Tensor, Tensor]


def _stripes(along: Tensor, across: Tensor, shift: Shift, period: Tensor) -> Tensor:
    return _square(wave(along + shift[0]), period)


def _dots(along: Tensor, across: Tensor, shift: Shift, period: Tensor) -> Tensor:
    x, y = along + shift[0], across + shift[1]
    x, y = x - x.round(), y - y.round()
    inside = (DOT - (x * x + y * y).sqrt_()).mul_(period).add_(0.5).clamp_(0, 1)
    return inside.sub_(DOT_SHARE).mul_(1.5)


def _checks(along: Tensor, across: Tensor, shift: Shift, period: Tensor) -> Tensor:
    return _square(wave(along * 0.7 + shift[0]), period) * _square(wave(across * 0.7 + shift[1]), period)


def _waves(along: Tensor, across: Tensor, shift: Shift, period: Tensor) -> Tensor:
    return _square(wave(across + wave(along * 0.6 + shift[0]) * 0.3 + shift[1]), period)


def _gradient(along: Tensor, across: Tensor, shift: Shift, period: Tensor) -> Tensor:
    return along * (period * (1.4 / along.shape[-1]))


def _square(waves: Tensor, period: Tensor) -> Tensor:
    """Return rectangles instead of waves, with edges one pixel wide."""
    return (waves * (period / 8)).clamp_(-1, 1)


_PATTERNS: tuple[Callable[[Tensor, Tensor, Shift, Tensor], Tensor], ...] = (
    _stripes,
    _dots,
    _checks,
    _waves,
    _gradient,
)
