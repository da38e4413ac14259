"""Ways to draw the world: flat, as it is; as a sketch on paper; with chalk on a board.

A style changes the whole picture, faces included, and leaves who is in it to be told. It draws on finished pictures, so that a
picture without one is what it always was.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, get_args

import torch
from torch import Tensor
from torch.nn.functional import avg_pool2d, max_pool2d

from ...models.errors import InvalidSettingError, require_shape

Style = Literal["flat", "sketch", "chalk"]
STYLES: tuple[Style, ...] = get_args(Style)

PAPER, INK = (0.97, 0.94, 0.86), (0.16, 0.13, 0.20)  # of a sketch
BOARD, CHALK = (0.10, 0.16, 0.15), (0.92, 0.93, 0.88)
WASHED, DARKENED = 0.75, 0.62  # of a colour that a sketch and a board keep
HATCHES, HATCHED = 16, 0.3  # strokes across a sketch, and how much of a colour they take away
EDGE, STEEPNESS, BOLDEST = 0.13, 6.0, 0.75  # of an outline: smallest contrast, how it grows, and how bold it gets
BLUR = 5  # pixels, odd: what is smaller has no outline


def restyle(pictures: Tensor, styles: Sequence[Style]) -> Tensor:
    """Draw pictures in a style each.

    Args:
        pictures: (B, 3, S, S) float32, 0–1.
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
    for style, draw in (("sketch", _sketch), ("chalk", _chalk)):
        rows = [row for row, each in enumerate(styles) if each == style]
        if rows:
            drawn[rows] = draw(pictures[rows])
    return drawn


def _sketch(pictures: Tensor) -> Tensor:
    """Pale colours on paper, hatched, with ink along the edges of what is large."""
    places = (torch.arange(pictures.shape[-1]) + 0.5) / pictures.shape[-1]
    strokes = ((places[:, None] + places) * HATCHES % 1 < 0.4).float() * HATCHED
    paper = _filled(pictures, PAPER)
    washed = torch.lerp(torch.lerp(paper, pictures, WASHED), paper, strokes)
    return torch.lerp(washed, _filled(pictures, INK), _outline(pictures))


def _chalk(pictures: Tensor) -> Tensor:
    """Dim colours on a board, with pale lines along the edges of what is large."""
    dim = torch.lerp(_filled(pictures, BOARD), pictures, DARKENED)
    return torch.lerp(dim, _filled(pictures, CHALK), _outline(pictures))


def _filled(pictures: Tensor, colour: tuple[float, float, float]) -> Tensor:
    return torch.tensor(colour)[:, None, None].expand_as(pictures)


def _outline(pictures: Tensor) -> Tensor:
    """How bold the line is at every pixel, (B, 3, S, S): along edges that are left when a picture is a little blurred."""
    smooth = avg_pool2d(pictures, BLUR, 1, BLUR // 2, count_include_pad=False)
    contrast = (max_pool2d(smooth, 3, 1, 1) + max_pool2d(-smooth, 3, 1, 1)).amax(1, keepdim=True)
    return ((contrast - EDGE) * STEEPNESS).clamp(0, BOLDEST).expand_as(pictures)
