"""8-bit pictures resized as Pillow resizes them, which is what the published networks were fed with."""

from __future__ import annotations

from typing import Literal

import numpy as np

from ..errors import BadImageError, MissingPackageError

Filter = Literal["bilinear", "bicubic"]


def resize(image: np.ndarray, size: tuple[int, int], kind: Filter) -> np.ndarray:
    """Resize with Pillow: averaging when it shrinks, rounded to 8 bit.

    Args:
        image: (H, W) or (H, W, 3) uint8.
        size: (height, width) afterwards, pixels.
        kind: the filter.

    Returns:
        (height, width) or (height, width, 3) uint8.

    Raises:
        MissingPackageError: if pillow is not there.
    """
    try:
        from PIL import Image
    except ImportError as error:
        raise MissingPackageError(
            f"Resizing pictures needs the package pillow, which could not be imported ({error}); install it with: "
            "pip install pillow"
        ) from error
    return np.array(Image.fromarray(image).resize((size[1], size[0]), Image.Resampling[kind.upper()]))


def require_rgb(image: np.ndarray) -> None:
    """Check that a picture is (H, W, 3) uint8 and not empty.

    Raises:
        BadImageError: naming what it is.
    """
    if image.ndim != 3 or image.shape[2] != 3 or image.dtype != np.uint8 or not image.size:
        raise BadImageError(
            f"The picture has shape {image.shape} and type {image.dtype}, but (H, W, 3) with 8-bit RGB is needed; "
            "convert it."
        )
