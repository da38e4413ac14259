"""Facial regions as ConsistentID takes them: which ones, in which order, and the picture of each."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import numpy as np
import torch
from torch import Tensor

from ..clip import CLIP_SIZE, clip_pixels
from ..images.resampling import require_rgb, resize

# Regions that are conditions, ascending by label (names as in `face.parsing.LABELS`), and the word each belongs to.
FEATURES: dict[str, str] = {
    "Face": "face",
    "Left_Eye": "eyes",
    "Right_Eye": "eyes",
    "Left_Ear": "ears",
    "Right_Ear": "ears",
    "Nose": "nose",
    "Upper_Lip": "mouth",
    "Lower_Lip": "mouth",
}
MOST_REGIONS = len(set(FEATURES.values()))


def kind_of(name: str) -> str:
    """What the two regions of a pair have in common: Eye, Ear or Lip; another region is its own kind."""
    return name.split("_", 1)[-1]


def kept_regions(names: Iterable[str]) -> tuple[str, ...]:
    """The regions that become conditions.

    Args:
        names: those that the photo shows, in any order; others than `FEATURES` are passed over.

    Returns:
        At most five, in the order Face, Eye, Ear, Nose, Lip. Of a pair the left one, or the right one if that is all
        there is; of the lips the upper one, or the lower one.
    """
    shown = set(names)
    kept: dict[str, str] = {}
    for name in FEATURES:
        if name in shown:
            kept.setdefault(kind_of(name), name)
    return tuple(kept.values())


def region_picture(photo: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """The photo at its full size, black outside of a region.

    Args:
        photo: (H, W, 3) uint8 RGB.
        mask: (S, S) uint8, 0 or 255; it is stretched to the photo (bicubic), which makes its edge soft.

    Returns:
        (H, W, 3) uint8.

    Raises:
        BadImageError: if the photo has another shape or is not 8-bit.
    """
    require_rgb(photo)
    alpha = resize(mask, (photo.shape[0], photo.shape[1]), "bicubic")
    picture = np.zeros_like(photo)
    if alpha.any():
        seen = _extent(alpha)
        product = photo[seen] * alpha[seen].astype(np.uint16)[..., None] + np.uint16(128)  # below 2**16
        product += product >> 8
        product >>= 8  # by 255, rounded to the nearest; there are no ties, because 255 is odd
        picture[seen] = product
    return picture


def region_pixels(photo: np.ndarray, masks: Mapping[str, np.ndarray], names: Sequence[str]) -> Tensor:
    """What the image encoder sees of the regions.

    Args:
        photo: (H, W, 3) uint8 RGB.
        masks: see `face.region_masks.filled_masks`.
        names: at most five keys of `masks`.

    Returns:
        (5, 3, 224, 224) float32, normalised; zeros after the last region.
    """
    pixels = torch.zeros(MOST_REGIONS, 3, CLIP_SIZE, CLIP_SIZE)
    for place, name in enumerate(names):
        pixels[place] = clip_pixels(region_picture(photo, masks[name]))
    return pixels


def _extent(mask: np.ndarray) -> tuple[slice, slice]:
    """Rows and columns between the first and the last that are not 0 altogether."""
    rows, columns = (np.flatnonzero(mask.any(axis=axis)) for axis in (1, 0))
    return slice(rows[0], rows[-1] + 1), slice(columns[0], columns[-1] + 1)
