"""Pictures and maps as they are stored: decoded with every fault named."""

from __future__ import annotations

import io
from collections.abc import Callable

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

from ..models.errors import BadImageError


def decode_picture(content: bytes, name: str) -> Image.Image:
    """Decode a picture and turn it upright.

    Args:
        content: the file.
        name: what a message calls it.

    Returns:
        RGB, 8 bit, all pixels read.

    Raises:
        BadImageError: if it is empty, truncated or no picture.
    """
    return _decode(content, name, lambda image: ImageOps.exif_transpose(image).convert("RGB"))


def decode_map(content: bytes, name: str) -> np.ndarray:
    """Decode a map of one 8-bit number per pixel: a palette's indices, or grey levels.

    Args:
        content: the file.
        name: what a message calls it.

    Returns:
        (H, W) uint8.

    Raises:
        BadImageError: if it is empty, truncated, no picture, or has colours.
    """
    image = _decode(content, name, lambda image: image.convert("L") if image.mode == "1" else image)
    if image.mode not in ("P", "L"):
        raise BadImageError(f"{name} has mode {image.mode}; save it as an 8-bit palette or grey PNG.")
    return np.asarray(image)


def _decode(content: bytes, name: str, finish: Callable[[Image.Image], Image.Image]) -> Image.Image:
    if not content:
        raise BadImageError(f"{name} is empty (0 bytes); write it again.")
    try:
        with Image.open(io.BytesIO(content)) as image:
            image.load()
            return finish(image)
    except Exception as error:  # Pillow's decoders raise whatever they come across
        reason = "no picture that Pillow knows" if isinstance(error, UnidentifiedImageError) else str(error)
        raise BadImageError(f"{name} cannot be decoded ({reason}); save it again.") from error
