"""How much a photo tells of a face: whether it is sharp, and large."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ..face.types import Face

LEAST = 0.5  # what a blurred or small face weighs at least, of a sharp or large one [choice]
LARGE = 112  # pixels; the side of a face that recognisers look at
GREY = np.array([0.299, 0.587, 0.114])  # of red, green and blue (ITU-R BT.601)


def sharpness(crop: np.ndarray) -> float:
    """The variance of the Laplacian of an aligned face, at least 0; grey values are 0–255.

    Where the crop lies outside of the picture it is black, and neither that nor its edge counts.

    Args:
        crop: (H, W, 3) uint8 RGB; crops that are compared have one size.

    Reference: Pech-Pacheco et al., Diatom autofocusing in brightfield microscopy (ICPR 2000).
    """
    grey = crop.astype(np.float64) @ GREY
    middle, inside = grey[1:-1, 1:-1], crop.max(-1) > 0
    around = ((slice(None, -2), slice(1, -1)), (slice(2, None), slice(1, -1)),
              (slice(1, -1), slice(None, -2)), (slice(1, -1), slice(2, None)))  # fmt: skip
    laplacian = sum(grey[place] for place in around) - 4 * middle
    counts = np.logical_and.reduce([inside[1:-1, 1:-1], *(inside[place] for place in around)])
    return float(laplacian[counts].var()) if counts.any() else 0.0


def sharpness_factors(found: Sequence[float]) -> list[float]:
    """What photos of one person weigh by their sharpness, 0.5–1 each.

    1 for those that are as sharp as their median or sharper, else √(sharpness / median), for a variance is a square; at
    least 0.5. Photos without any structure weigh alike.

    Args:
        found: `sharpness` of each, at least 0.
    """
    middle = float(np.median(found))
    if middle == 0:
        return [1.0] * len(found)
    return [min(max((value / middle) ** 0.5, LEAST), 1.0) for value in found]


def size_factor(face: Face) -> float:
    """What a photo weighs by the size of its face, 0.5–1: √(area of the box) / 112 pixels, 1 from 112 on, at least 0.5."""
    x0, y0, x1, y1 = (float(edge) for edge in face.box)
    side = (max(x1 - x0, 0.0) * max(y1 - y0, 0.0)) ** 0.5
    return min(max(side / LARGE, LEAST), 1.0)
