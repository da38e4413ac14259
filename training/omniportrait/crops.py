"""The square around a face that OmniPortrait's image encoder sees, and the same as if from another photo.

A wider square is cut out, so that turning it and standing further back shows more of the photo and no empty corners.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import torch
from PIL import Image
from torch import Tensor
from torch.nn import functional

from ...dataset.fields import Box
from ...models.face.squares import square_around
from ..batches.draws import Draws

SIZE, WIDE = 224, 288  # pixels: of a crop, and of the wider one around it
MARGIN = 0.15  # face sizes around a face on each side: 1.3 times its box
# How much another photo of somebody differs [choice].
MIRRORED = 0.5  # share of the crops
TURN = 10.0  # degrees, either way
ZOOM = 0.1  # share, either way
LIGHT = 0.1  # share of brightness, contrast and colour, either way
HIDDEN = 0.5  # share of the crops that lose what is behind the head; of these, half get noise and half one colour


def cut_wide(picture: np.ndarray, box: Box) -> np.ndarray:
    """The wider square around a face.

    Args:
        picture: (H, W, 3), or a map (H, W), uint8.
        box: of the face, x0 y0 x1 y1, pixels.

    Returns:
        (288, 288, 3) or (288, 288) uint8; the middle of it, 224 pixels a side, is the square 1.3 times the box as
        `square_around` places it. Beyond the picture, its edge goes on.
    """
    region = square_around(box, (picture.shape[0], picture.shape[1]), MARGIN, None)
    side = region.side * WIDE / SIZE
    left, top = (start - (side - region.side) / 2 for start in (region.left, region.top))
    columns, rows = (
        np.arange(math.floor(start), math.ceil(start + side)).clip(0, length - 1)
        for start, length in ((left, picture.shape[1]), (top, picture.shape[0]))
    )
    x, y = left - math.floor(left), top - math.floor(top)
    part = Image.fromarray(np.ascontiguousarray(picture[rows][:, columns]))
    return np.array(part.resize((WIDE, WIDE), Image.Resampling.LANCZOS, box=(x, y, x + side, y + side)))


def cut_portrait(picture: np.ndarray, box: Box) -> np.ndarray:
    """The square 1.3 times a face's box, (224, 224, 3) uint8 RGB; see `cut_wide`."""
    start = (WIDE - SIZE) // 2
    return cut_wide(picture, box)[start : start + SIZE, start : start + SIZE]


def middle(wide: Tensor) -> Tensor:
    """The crop in the middle of wider ones, (…, W, W) to (…, s, s)."""
    side = crop_side(wide.shape[-1])
    start = (wide.shape[-1] - side) // 2
    return wide[..., start : start + side, start : start + side]


def crop_side(wide: int) -> int:
    """Side of a crop in a wider one, pixels."""
    return wide * SIZE // WIDE


def augment(wide: Tensor, heads: Tensor, draws: Draws) -> Tensor:
    """Crops of the same faces as if from other photos: mirrored, turned, nearer or further, lit differently, elsewhere.

    Args:
        wide: (B, N, 3, W, W), 0–1.
        heads: share of each pixel that shows the head, (B, N, W, W), 0–1.
        draws: a row for each picture.

    Returns:
        (B, N, 3, s, s), 0–1.
    """
    people = wide.shape[1]

    def uniform(purpose: str, *shape: int) -> Tensor:
        return draws.uniform(f"crop {purpose}", (people, *shape)).flatten(0, 1).to(wide)

    side = crop_side(wide.shape[-1])
    given = torch.cat((wide, heads[:, :, None].to(wide)), 2).flatten(0, 1)
    grid = functional.affine_grid(
        _matrices(uniform, side / wide.shape[-1]), [len(given), 4, side, side], align_corners=False
    )
    seen = functional.grid_sample(given, grid, mode="bilinear", padding_mode="border", align_corners=False)
    pixels = _lit(seen[:, :3], uniform("light", 3))
    plain = uniform("colour", 3)[..., None, None].expand_as(pixels)
    hidden = uniform("background")
    elsewhere = _where(hidden < HIDDEN / 2, uniform("noise", 3, side, side), plain)
    placed = elsewhere + seen[:, 3:] * (pixels - elsewhere)
    return _where(hidden < HIDDEN, placed, pixels).unflatten(0, (-1, people))


def _matrices(uniform: Callable[[str], Tensor], share: float) -> Tensor:
    """From crops to wider ones, (F, 2, 3): a share of the side, turned, nearer or further, every second one mirrored."""
    turn = math.radians(TURN) * (2 * uniform("turn") - 1)
    size = share * (1 + ZOOM * (2 * uniform("zoom") - 1))
    mirror = torch.where(uniform("mirror") < MIRRORED, -1.0, 1.0)
    nothing = torch.zeros_like(turn)
    rows = (turn.cos() * mirror, -turn.sin(), nothing), (turn.sin() * mirror, turn.cos(), nothing)
    return size[:, None, None] * torch.stack([torch.stack(row, -1) for row in rows], 1)


def _lit(pixels: Tensor, numbers: Tensor) -> Tensor:
    """Pixels (F, 3, s, s) with other brightness, contrast and colour by numbers (F, 3), 0–1."""
    brightness, contrast, colour = (1 + LIGHT * (2 * numbers - 1)).unbind(-1)
    bright = pixels * brightness[:, None, None, None]
    mean = bright.mean((1, 2, 3), keepdim=True)
    contrasted = mean + contrast[:, None, None, None] * (bright - mean)
    grey = contrasted.mean(1, keepdim=True)
    return (grey + colour[:, None, None, None] * (contrasted - grey)).clamp(0, 1)


def _where(chosen: Tensor, values: Tensor, others: Tensor) -> Tensor:
    return torch.where(chosen[:, None, None, None], values, others)
