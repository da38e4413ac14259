"""Pictures that stand in for photos which are not there: noise of the same size, drawn from a text.

A method derives what it shows an encoder from a stand-in as it would from the photo, and the hash of that finds what the encoder
said about the photo. So no method needs to know that a photo is missing. Nothing of a photo can be seen in its stand-in.
"""

from __future__ import annotations

import hashlib
from dataclasses import replace

import numpy as np

from ..face.alignment import CROP_SIZE
from ..face.types import Face
from .encodings import pixels_hash
from .photo import Photo


def stand_in(photo: Photo) -> Photo:
    """A photo's stand-in: same size, same face at the same place, no other faces; a stand-in's is itself."""
    if photo.stand_in:
        return photo
    height, width = photo.picture.shape[:2]
    return draw(photo, pixels_hash(photo.picture), (height, width))


def draw(photo: Photo, seed: str, size: tuple[int, int]) -> Photo:
    """The stand-in of a photo of which all but the pixels is known.

    Args:
        photo: its picture and the crop of its face are not looked at.
        seed: the same text gives the same pixels on every system; photos are told apart by it, so it is not empty.
        size: (height, width) of the photo, pixels.
    """
    taken = None if photo.taken is None else replace(photo.taken, crop=_crop(seed, photo.taken))
    picture = noise(seed, size)
    return replace(photo, picture=picture, faces=() if taken is None else (taken,), taken=taken, stand_in=seed)


def noise(seed: str, size: tuple[int, int]) -> np.ndarray:
    """Noise, (H, W, 3) uint8, decided by the text and the size."""
    height, width = size
    values = hashlib.shake_256(f"{seed} {height} {width}".encode()).digest(height * width * 3)
    return np.frombuffer(values, np.uint8).reshape(height, width, 3).copy()


def _crop(seed: str, face: Face) -> np.ndarray:
    """The aligned face of a stand-in, (224, 224, 3) uint8.

    It consists of squares of 2 × 2 pixels, so that the halved crop, which a face backbone is given, is exact on every machine.
    """
    half = noise(f"{seed} {pixels_hash(face.points)}", (CROP_SIZE // 2, CROP_SIZE // 2))
    return half.repeat(2, axis=0).repeat(2, axis=1)
