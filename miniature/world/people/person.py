"""What it takes to paint somebody: who it is, where the pixels lie in the face, and what a layer of colour is."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from ..layout import Window
from ..regions import Region
from ..shapes import pixelwise
from .anatomy import Table
from .appearance import Pose


@dataclass(frozen=True, eq=False, slots=True)
class Layer:
    """Something painted in one colour.

    Attributes:
        region: what it belongs to.
        coverage: (B, h, w), 0–1.
        colour: (B, 3) or (3,).
    """

    region: Region
    coverage: Tensor
    colour: Tensor


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class Person:
    """Somebody in each picture of a batch.

    Attributes:
        codes: who it is, (B, 7) int64.
        clothing: code of the colour, (B,) int64.
        accessory: code, (B,) int64.
        pose: (B,) each.
    """

    codes: Tensor
    clothing: Tensor
    accessory: Tensor
    pose: Pose


@dataclass(frozen=True, eq=False, slots=True)
class Coordinates:
    """Where the pixels of a window lie in a face, in units of half a head's height from its middle.

    Attributes:
        window: rows and columns of the picture.
        x: to the right in the face, (B, h, w).
        y: down in the face, (B, h, w).
        upright: distance from the middle and y in the picture, whatever the head does, (B, 1, w) and (B, h, 1).
        scale: pixels per unit, (B, 1, 1).
    """

    window: Window
    x: Tensor
    y: Tensor
    upright: tuple[Tensor, Tensor]
    scale: Tensor

    @classmethod
    def of(cls, pose: Pose, window: Window, size: int) -> Coordinates:
        """Return the coordinates of somebody in a window of a picture of `size` pixels."""
        scale = pixelwise(pose.scale * size)
        rows, columns = (torch.arange(edge.start, edge.stop).add(0.5) for edge in window)
        x = (columns - pixelwise(pose.x * size)) / scale
        y = (rows[:, None] - pixelwise(pose.y * size)) / scale
        cos, sin = pixelwise(pose.turn.cos()), pixelwise(pose.turn.sin())
        return cls(window, x * cos + y * sin, y * cos - x * sin, (x.abs(), y), scale)

    @property
    def aside(self) -> Tensor:
        """Distance from the middle line of the face, (B, h, w)."""
        return self.x.abs()


def measures(table: Table, codes: Tensor) -> dict[str, Tensor]:
    """Return the measures of people as (B, 1, 1), ready to meet pixels."""
    return {name: pixelwise(values) for name, values in table.of(codes).items()}
