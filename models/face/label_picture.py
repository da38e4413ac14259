"""The picture that shows a label map: one colour per facial region, laid over the photo."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from torch import Tensor

from ..images.layout import images_from_arrays

OPACITY = 0.6  # of a colour over the photo, as ConsistentID's published preview has it
# RGB by label; neighbours in a face differ in hue or lightness. Background stays the photo.
COLOURS = (
    (0, 0, 0),
    (240, 170, 120),
    (150, 60, 20),
    (220, 110, 30),
    (30, 90, 250),
    (0, 190, 255),
    (250, 240, 60),
    (180, 60, 200),
    (240, 120, 220),
    (255, 255, 255),
    (60, 180, 75),
    (90, 10, 40),
    (250, 30, 60),
    (255, 130, 150),
    (0, 140, 130),
    (190, 255, 190),
    (90, 90, 160),
    (60, 40, 100),
    (140, 150, 30),
)


def labels_tensor(images: Sequence[np.ndarray], labels: Sequence[np.ndarray]) -> Tensor:
    """Photos with their labels in colour as IMAGE.

    Args:
        images: (H, W, 3) uint8 RGB each, all of one size.
        labels: (H, W) uint8 each, see `parsing.LABELS`.

    Returns:
        (B, H, W, 3) float32, 0–1.
    """
    return images_from_arrays([_drawn(image, found) for image, found in zip(images, labels, strict=True)])


def _drawn(image: np.ndarray, labels: np.ndarray) -> np.ndarray:
    shares = np.where(np.arange(len(COLOURS)) > 0, OPACITY, 0.0)[labels][..., None]  # (H, W, 1)
    colours = np.asarray(COLOURS, np.float32)[labels]  # (H, W, 3)
    return np.rint((1 - shares) * image + shares * colours).astype(np.uint8)
