"""What CLIP sees of a picture of any shape, and on the negative side of guidance."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np
import torch
from torch import Tensor

from ..clip import CLIP_MEAN, CLIP_SIZE, clip_pixels
from ..errors import InvalidSettingError
from ..images.resampling import require_rgb, resize
from .kinds import NEEDS, Kind

Crop = Literal["centre", "pad", "stretch"]
Negative = Literal["reference", "black", "picture"]


def picture_pixels(image: np.ndarray, crop: Crop = "centre") -> Tensor:
    """Preprocess one picture for CLIP.

    Args:
        image: (H, W, 3) uint8 RGB.
        crop: "centre" keeps the middle square, as published; "pad" shows everything between bars of CLIP's mean colour;
            "stretch" squeezes everything into the square.

    Returns:
        (3, 224, 224) float32, normalised.

    Raises:
        BadImageError: if the picture has another shape or is not 8-bit.
        MissingPackageError: if pillow is not there.
    """
    require_rgb(image)
    if crop == "stretch":
        image = resize(image, (CLIP_SIZE, CLIP_SIZE), "bicubic")
    elif crop == "pad":
        image = padded(image)
    return clip_pixels(image)


def negative_pixels(
    kind: Kind, negative: Negative, picture: np.ndarray | None = None, crop: Crop = "centre"
) -> Tensor | None:
    """What CLIP looks at for the negative side. The face vector of that side is always zeros.

    Args:
        kind: of the adapter.
        negative: "reference" as published, a picture that is zero after normalisation; "black" as in older workflows; or a
            "picture" of what is not wanted. A plain adapter is given a zero embedding in the first two cases.
        picture: (H, W, 3) uint8 RGB, for "picture".
        crop: of that picture.

    Returns:
        (3, 224, 224) float32, normalised; None where nothing is looked at: zeros stand for the embedding or the face.

    Raises:
        InvalidSettingError: if the picture is missing, or the adapter looks at faces alone.
        BadImageError: see `picture_pixels`.
    """
    clip = NEEDS[kind].clip
    if negative == "picture":
        if picture is None or clip is None:
            reason = "none is connected" if picture is None else "this adapter reads face vectors alone"
            raise InvalidSettingError(f'The negative side is to be a picture, but {reason}; choose "reference".')
        return picture_pixels(picture, crop)
    if clip != "tokens":
        return None
    if negative == "black":
        return clip_pixels(np.zeros((CLIP_SIZE, CLIP_SIZE, 3), np.uint8))
    return torch.zeros(3, CLIP_SIZE, CLIP_SIZE)


def padded(image: np.ndarray, mean: Sequence[float] = CLIP_MEAN) -> np.ndarray:
    """The whole picture in the middle of a square of a mean colour, red, green and blue from 0 to 1, (224, 224, 3)."""
    longer = max(image.shape[:2])
    height, width = (max(1, round(CLIP_SIZE * length / longer)) for length in image.shape[:2])
    square = np.empty((CLIP_SIZE, CLIP_SIZE, 3), np.uint8)
    square[:] = [round(255 * value) for value in mean]
    top, left = (CLIP_SIZE - height) // 2, (CLIP_SIZE - width) // 2
    square[top : top + height, left : left + width] = resize(image, (height, width), "bicubic")
    return square
