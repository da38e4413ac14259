"""Masks of facial regions: from a label map to what a user can inpaint, grow and feather."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from ..errors import InvalidSettingError
from ..packages import import_package
from .parsing import LABELS

WITHOUT_BACKGROUND = "WithoutBackground"
INSIDE = 255  # value of a mask's pixels that belong to the region

# What the labels of the CelebAMask-HQ-trained network show; the index is the label.
TRUE_NAMES = (
    "background",
    "skin",
    "left_eyebrow",
    "right_eyebrow",
    "left_eye",
    "right_eye",
    "eyeglasses",
    "left_ear",
    "right_ear",
    "earring",
    "nose",
    "mouth",
    "upper_lip",
    "lower_lip",
    "neck",
    "necklace",
    "clothes",
    "hair",
    "hat",
)
MOST_EXPANDED, MOST_FEATHERED = 256, 256  # pixels


@dataclass(frozen=True, slots=True, kw_only=True)
class Region:
    """A region that a user can ask for.

    Attributes:
        names: the labels that make it, by their true names.
        about: one sentence for tooltips.
        is_filled: whether holes are closed.
    """

    names: tuple[str, ...]
    about: str
    is_filled: bool = False

    @property
    def labels(self) -> tuple[int, ...]:
        """The label ids."""
        return tuple(TRUE_NAMES.index(name) for name in self.names)


_IN_FACE = ("skin", "eyebrow", "eye", "eyeglasses", "nose", "mouth", "lip")
_ABOUT = {
    "skin": "Skin of the face alone, without eyes, brows, nose and mouth.",
    "hair": "Hair of the head, without eyebrows.",
    "left_eyebrow": "One eyebrow; for the side see the help page.",
    "right_eyebrow": "The other eyebrow.",
    "left_eye": "One eye; empty under dark glasses. For the side see the help page.",
    "right_eye": "The other eye.",
    "eyeglasses": "Glasses with what is seen through them; sunglasses too.",
    "left_ear": "One ear, where it is seen; for the side see the help page.",
    "right_ear": "The other ear.",
    "earring": "Ear-rings of both sides.",
    "nose": "The nose.",
    "mouth": "Inside of the mouth between the lips: teeth and tongue; empty if it is closed.",
    "upper_lip": "The upper lip.",
    "lower_lip": "The lower lip.",
    "neck": "The neck, without a necklace.",
    "necklace": "A necklace.",
    "clothes": "Clothes.",
    "hat": "A hat or another head covering.",
    "background": "Everything that is not a person.",
}
REGIONS: dict[str, Region] = {
    "face": Region(
        names=tuple(name for name in TRUE_NAMES if name.split("_")[-1] in _IN_FACE),
        about="The whole face with eyes, brows, glasses, nose and mouth, holes closed; without ears, hair and neck.",
        is_filled=True,
    ),
    **{name: Region(names=(name,), about=about) for name, about in _ABOUT.items()},
}


def filled(mask: np.ndarray) -> np.ndarray:
    """Close the holes of a mask.

    A hole is background that cannot be reached from outside the picture over pixels that share an edge.

    Args:
        mask: (H, W) bool.

    Returns:
        (H, W) bool.
    """
    outside = np.pad(~mask, 1, constant_values=True)
    parts, _ = _ndimage().label(outside)  # its default joins pixels that share an edge
    return (parts != parts[0, 0])[1:-1, 1:-1]


def filled_masks(labels: np.ndarray) -> dict[str, np.ndarray]:
    """The masks that ConsistentID's published code makes: every label that is there, its holes closed.

    Args:
        labels: (S, S) uint8, see `parsing.FaceParser.parse`.

    Returns:
        Name of `parsing.LABELS` → (S, S) uint8, 0 or 255, ascending by label. First stands `WithoutBackground`, where the
        filled background is not (which is nowhere if background surrounds the person); it lacks if no pixel is background.
    """
    masks = {LABELS[label]: np.where(filled(labels == label), INSIDE, 0).astype(np.uint8) for label in _present(labels)}
    if LABELS[0] in masks:
        masks = {WITHOUT_BACKGROUND: INSIDE - masks[LABELS[0]], **masks}
    return masks


def region_mask(labels: np.ndarray, name: str) -> np.ndarray:
    """One region of a label map.

    Args:
        labels: (H, W) uint8.
        name: a key of `REGIONS`.

    Returns:
        (H, W) bool; empty where the picture does not show the region.
    """
    region = REGIONS[name]
    belongs = np.zeros(256, bool)
    belongs[list(region.labels)] = True
    mask = belongs[labels]
    return filled(mask) if region.is_filled else mask


def mask_tensor(labels: Sequence[np.ndarray], name: str, *, expand: int = 0, feather: int = 0) -> Tensor:
    """One region of several pictures as MASK.

    Args:
        labels: (H, W) uint8 each, all of one size, at least one.
        name: a key of `REGIONS`.
        expand, feather: see `soft_edges`.

    Returns:
        (B, H, W) float32, 0–1; all zero where a picture does not show the region.
    """
    masks = [soft_edges(region_mask(found, name), expand, feather) for found in labels]
    return torch.from_numpy(np.stack(masks))


def soft_edges(mask: np.ndarray, expand: int, feather: int) -> np.ndarray:
    """Grow or shrink a mask and soften its edge.

    Args:
        mask: (H, W) bool.
        expand: pixels to grow by, negative to shrink, -256 to 256; corners become round. A mask that reaches the border
            of the picture does not shrink away from it.
        feather: width of the ramp from 0 to 1 across the edge, pixels, 0–256; half of it lies inside.

    Returns:
        (H, W) float32, 0–1.

    Raises:
        InvalidSettingError: if a setting is out of range.
    """
    if not -MOST_EXPANDED <= expand <= MOST_EXPANDED:
        raise InvalidSettingError(f"expand is {expand}; choose -{MOST_EXPANDED} to {MOST_EXPANDED} pixels.")
    if not 0 <= feather <= MOST_FEATHERED:
        raise InvalidSettingError(f"feather is {feather}; choose 0 to {MOST_FEATHERED} pixels.")
    result = mask.astype(np.float32)
    if (not expand and not feather) or not mask.any() or mask.all():
        return result
    window = _window(mask, max(expand, 0) + feather + 1)
    part = mask[window]
    if part.all():  # only possible where the window is the whole picture
        return result
    distance: Callable[[np.ndarray], Any] = _ndimage().distance_transform_edt
    # Signed distance of pixel middles to the edge, which runs half a pixel beside the last middle inside.
    signed = np.where(part, distance(part) - 0.5, 0.5 - distance(~part)) + expand
    result[window] = np.clip(signed / feather + 0.5, 0, 1) if feather else signed > 0
    return result


def _present(labels: np.ndarray) -> list[int]:
    return [int(label) for label in np.unique(labels)]


def _window(mask: np.ndarray, margin: int) -> tuple[slice, slice]:
    """Rows and columns that hold a mask, with a margin."""
    rows, columns = (np.flatnonzero(mask.any(axis=axis)) for axis in (1, 0))
    return (
        slice(max(int(rows[0]) - margin, 0), int(rows[-1]) + 1 + margin),
        slice(max(int(columns[0]) - margin, 0), int(columns[-1]) + 1 + margin),
    )


def _ndimage() -> Any:
    return import_package("scipy.ndimage", "label", purpose="Cutting out facial regions")
