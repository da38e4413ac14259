"""The picture of one row of the manifest, checked against what the row says of it."""

from __future__ import annotations

import hashlib
from collections.abc import Callable

import numpy as np
from PIL import Image

from ..models.errors import BadImageError
from .manifest import Row
from .pictures import decode_map, decode_picture


class Photo:
    """The picture of a row, read and decoded when somebody asks for it, at most once.

    Args:
        read: name of a file to its bytes.
        row: which picture, and what it has to look like.
    """

    def __init__(self, read: Callable[[str], bytes], row: Row) -> None:
        self._read, self._row = read, row
        self._content: bytes | None = None
        self._picture: Image.Image | None = None

    @property
    def digest(self) -> str:
        """What tells this picture from every other: the row's word for it, else its bytes'."""
        return self._row.sha256 or hashlib.sha256(self._bytes).hexdigest()

    @property
    def picture(self) -> Image.Image:
        """The picture, upright.

        Raises:
            OSError: if it cannot be read.
            BadImageError: if it cannot be decoded or has not the size that the row says.
        """
        if self._picture is None:
            picture = decode_picture(self._bytes, self._row.image)
            self._check(self._row.image, picture.size)
            self._picture = picture
        return self._picture

    def map_digest(self, name: str) -> str:
        """What tells a map from every other: its bytes'; raises OSError if it cannot be read."""
        return hashlib.sha256(self._read(name)).hexdigest()

    def map(self, name: str) -> np.ndarray:
        """A map of the picture; raises as `picture`."""
        values = decode_map(self._read(name), name)
        self._check(name, values.shape[::-1])
        return values

    @property
    def _bytes(self) -> bytes:
        if self._content is None:
            self._content = self._read(self._row.image)
        return self._content

    def _check(self, name: str, size: tuple[int, ...]) -> None:
        if size != (self._row.width, self._row.height):
            raise BadImageError(
                f"{name} has {size[0]}x{size[1]} pixels, but its row says {self._row.width}x{self._row.height}; mend the row."
            )
