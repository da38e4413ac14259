"""Photos of people as files hold them."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from ..models.errors import BadImageError


def read_photo(path: Path) -> np.ndarray:
    """A photo, (H, W, 3) uint8 RGB, turned as its file says.

    Raises:
        BadImageError: if it cannot be read.
    """
    from PIL import Image, ImageOps, UnidentifiedImageError

    try:
        with Image.open(path) as found:
            return np.asarray(ImageOps.exif_transpose(found).convert("RGB"))
    except (UnidentifiedImageError, OSError) as error:
        raise BadImageError(
            f'The photo "{path.name}" in {path.parent} cannot be read ({error}); take it out or replace it.'
        ) from error
