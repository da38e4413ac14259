"""What a page is told about faces that were found: plain numbers, boxes as fractions of the picture."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from .types import Detection, FaceSet

LONGEST = 1024  # pixels of the longer side of a photo that a page shows
DIGITS = 5


def face_facts(faces: FaceSet) -> list[dict[str, Any]]:
    """All faces that were found, pictures in order, faces of one picture in the order that was asked for.

    Args:
        faces: of some pictures.

    Returns:
        For each face `image` (place of the picture, from 0), `place` (its number in the picture, from 1), `index` (place in the
        detector's order, from 0), `box` (x0, y0, x1, y1, fractions 0–1 of width and height), `score` (0–1) and `taken`.
    """
    taken = {id(face) for face in faces.faces}
    return [
        {
            "image": image,
            "place": place,
            "index": face.index,
            "box": _fractions(face.box, face.image_size),
            "score": round(float(face.score), 3),
            "taken": id(face) in taken,
        }
        for image in range(len(faces.images))
        for place, face in enumerate(faces.of_image(image), 1)
    ]


def detection_facts(found: Iterable[Detection], size: tuple[int, int]) -> list[dict[str, Any]]:
    """The same of what a detector found in one picture, in its order; nobody is taken yet, so there is no `taken` and no `place`.

    Args:
        found: by the detector.
        size: (height, width) of the picture, pixels.
    """
    return [
        {"image": 0, "index": index, "box": _fractions(each.box, size), "score": round(float(each.score), 3)}
        for index, each in enumerate(found)
    ]


def small_photo(picture: np.ndarray) -> np.ndarray:
    """A picture no larger than a page shows it: (H, W, 3) uint8, every n-th pixel of it where its longer side has over 1024."""
    step = -(-max(picture.shape[:2]) // LONGEST)
    return np.ascontiguousarray(picture[::step, ::step])


def _fractions(box: np.ndarray, size: tuple[int, int]) -> list[float]:
    height, width = size
    fractions = np.nan_to_num(np.asarray(box, np.float64) / (width, height, width, height))
    return [round(float(edge), DIGITS) for edge in fractions.clip(0, 1)]
