"""How a picture is looked at for faces, whatever the detector: reduced if it is huge, again with a border if nobody is found."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import numpy as np

from .alignment import opencv
from .types import Detection

PADDING_SHARE = 0.25  # of height and width, on each side, for the second look (UniPortrait's app)
PADDING_GREY = 128
LONGEST_SIDE = 4096  # pixels; longer pictures are looked at in a reduced copy, every detector works at 640 anyway
REDUCED_SIDE = 2048
THINNEST = 64  # a picture this many times longer than wide shows no face and would vanish at the detector's size


def look_twice(picture: np.ndarray, look: Callable[[np.ndarray], list[Detection]]) -> list[Detection]:
    """Look for faces, and if there is none, again with a grey border: a face that fills the picture is missed.

    Args:
        picture: (H, W, 3) uint8 RGB.
        look: from a picture to its faces, in its pixels.

    Returns:
        The faces in the picture's own pixels: boxes clamped to the picture, points as found.
    """
    height, width = picture.shape[:2]
    if max(height, width) > THINNEST * min(height, width):
        return []
    reduced, scale = _reduce(picture)
    found = look(reduced)
    offset = np.zeros(2, np.float32)
    if not found:
        rows, columns = int(PADDING_SHARE * reduced.shape[0]), int(PADDING_SHARE * reduced.shape[1])
        border = ((rows, rows), (columns, columns), (0, 0))
        found = look(np.pad(reduced, border, constant_values=PADDING_GREY))
        offset = np.array([columns, rows], np.float32)
    moved = (
        Detection((face.box - np.tile(offset, 2)) * np.tile(scale, 2), (face.points - offset) * scale, face.score)
        for face in found
    )
    return clamp(moved, picture)


def clamp(detections: Iterable[Detection], picture: np.ndarray) -> list[Detection]:
    """Faces with boxes clamped to the picture; those that lie outside it altogether are dropped."""
    height, width = picture.shape[:2]
    most = np.array([width, height, width, height], np.float32)
    clamped = [Detection(np.clip(face.box, 0, most), face.points, face.score) for face in detections]
    return [face for face in clamped if face.box[2] > face.box[0] and face.box[3] > face.box[1]]


def _reduce(picture: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """A picture small enough to work with, and the factors (x, y) that lead back."""
    height, width = picture.shape[:2]
    if max(height, width) <= LONGEST_SIDE:
        return picture, np.ones(2, np.float32)
    scale = REDUCED_SIDE / max(height, width)
    size = (round(width * scale), round(height * scale))
    cv2 = opencv()
    return cv2.resize(picture, size, interpolation=cv2.INTER_AREA), np.array(
        [width / size[0], height / size[1]], np.float32
    )
