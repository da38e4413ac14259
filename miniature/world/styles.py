"""Ways to draw the world: flat, as it is; as a sketch on paper; as a mosaic.

A style changes the whole picture, faces included, and leaves who is in it to be told. It draws on finished pictures, so that a
picture without one is what it always was.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, get_args

import torch
from torch import Tensor
from torch.nn.functional import avg_pool2d, interpolate, max_pool2d

from ...models.errors import InvalidSettingError, require_shape

Style = Literal["flat", "sketch", "mosaic"]
STYLES: tuple[Style, ...] = get_args(Style)

PAPER, INK, GROUT = (0.97, 0.94, 0.86), (0.16, 0.13, 0.20), (0.96, 0.96, 0.98)
WASHED = 0.75  # of a colour that a sketch keeps
HATCHES, HATCHED = 16, 0.3  # strokes across a picture, and how much of a colour they take away
EDGE, STEEPNESS, DARKEST = 0.2, 4.0, 0.75  # of an outline: smallest contrast, how it grows, and how dark it gets
TILES = 16  # of a mosaic, along a side
EVEN, JOINT, JOINED = 0.3, 0.1, 0.7  # how much of a tile is its mean colour; half a joint, in tiles; how pale it is


def restyle(pictures: Tensor, styles: Sequence[Style]) -> Tensor:
    """Draw pictures in a style each.

    Args:
        pictures: (B, 3, S, S) float32, 0–1, S a multiple of 16.
        styles: B of them.

    Returns:
        (B, 3, S, S) float32, 0–1; those in the flat style are untouched.

    Raises:
        ShapeError: if the pictures have another shape.
        InvalidSettingError: if there is another number of styles, or one is unknown.
    """
    require_shape("pictures", pictures, ("B", 3, "S", pictures.shape[-2]))
    unknown = sorted(set(styles) - set(STYLES))
    if unknown or len(styles) != len(pictures):
        raise InvalidSettingError(
            f"{len(pictures)} pictures are to be drawn in {len(styles)} styles ({', '.join(unknown) or 'all known'}); choose one of "
            f"{', '.join(STYLES)} for each."
        )
    drawn = pictures.clone()
    for style, draw in (("sketch", _sketch), ("mosaic", _mosaic)):
        rows = [row for row, each in enumerate(styles) if each == style]
        if rows:
            drawn[rows] = draw(pictures[rows])
    return drawn


def _sketch(pictures: Tensor) -> Tensor:
    """Pale colours on paper, hatched, with ink along the edges of what is large."""
    paper, ink = (torch.tensor(colour)[:, None, None].expand_as(pictures) for colour in (PAPER, INK))
    smooth = avg_pool2d(pictures, 3, 1, 1, count_include_pad=False)
    contrast = (max_pool2d(smooth, 3, 1, 1) + max_pool2d(-smooth, 3, 1, 1)).amax(1, keepdim=True)
    outline = ((contrast - EDGE) * STEEPNESS).clamp(0, DARKEST)
    places = (torch.arange(pictures.shape[-1]) + 0.5) / pictures.shape[-1]
    strokes = ((places[:, None] + places) * HATCHES % 1 < 0.4).float() * HATCHED
    washed = torch.lerp(torch.lerp(paper, pictures, WASHED), paper, strokes)
    return torch.lerp(washed, ink, outline.expand_as(pictures))


def _mosaic(pictures: Tensor) -> Tensor:
    """Tiles of evened-out colour with pale joints."""
    side = pictures.shape[-1] // TILES
    even = interpolate(avg_pool2d(pictures, side), scale_factor=float(side), mode="nearest")
    inside = (torch.arange(pictures.shape[-1]) + 0.5) % side / side
    edge = torch.minimum(inside, 1 - inside)
    joint = (torch.minimum(edge[:, None], edge) < JOINT).float() * JOINED
    grout = torch.tensor(GROUT)[:, None, None].expand_as(pictures)
    return torch.lerp(torch.lerp(pictures, even, EVEN), grout, joint)
