"""MTCNN, the detector that is there after install: P-Net proposes windows of every size, R-Net sifts them, O-Net decides."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from .alignment import opencv
from .looking import look_twice
from .mtcnn_networks import (
    Run,
    cut_windows,
    judge,
    lend_networks,
    moved,
    networks_key,
    normalised,
    points,
    squares,
)
from .types import Detection

PICTURE_SIDE = 640  # pixels of the longer side; larger pictures are looked at in a reduced copy
SMALLEST_FACE = 20  # pixels at that size, as in the paper
SHRINK = 0.7071  # from one size of the picture to the next, sqrt(1/2)
CELL, STRIDE = 12, 2  # pixels; what one output of P-Net sees, and the step to the next
RNET_SIDE = 24  # pixels; the window that R-Net looks at
# P-Net's and R-Net's least scores; published are .6 and .7. In 24 pictures without a face these find nobody at min_score .5,
# the published ones four faces; of 13 faces in seven pictures, also reduced to a half and a quarter, both miss none.
LEAST_SCORES = (0.7, 0.8)
MOST_WINDOWS = 1000  # that R-Net looks at, the surest ones
OVERLAPS = (0.5, 0.7, 0.7)  # from which two windows count as one: of one size, of all sizes, of O-Net's faces


@dataclass(frozen=True, slots=True)
class MTCNN:
    """The networks of the package mtcnn-runtime; a `FaceDetector`.

    Attributes:
        min_score: lowest score of O-Net that counts, 0–1.
    """

    min_score: float = 0.5

    @property
    def key(self) -> str:
        """Hashes of the networks with all that decides what is found."""
        return f"mtcnn {networks_key()} {self.min_score}"

    def at_size(self, size: int) -> MTCNN:
        """Itself: it looks at many sizes of its own."""
        del size
        return self

    def find(self, pictures: Sequence[np.ndarray]) -> Iterator[list[Detection]]:
        """The faces of one picture after another, the surest first.

        Args:
            pictures: (H, W, 3) uint8 RGB each.

        Raises:
            MissingPackageError: if mtcnn-runtime, onnxruntime or OpenCV is not installed.
            CorruptModelFileError: if one of the package's graphs cannot be loaded.
        """
        return (look_twice(picture, self._look) for picture in pictures)

    def _look(self, picture: np.ndarray) -> list[Detection]:
        reduced, ratio = _reduce(picture)
        with lend_networks() as networks:
            windows = _sift(reduced, _propose(reduced, networks.pnet), networks.rnet)
            boxes, scores = judge(reduced, windows, networks.onet)
            boxes, scores = boxes[scores >= self.min_score], scores[scores >= self.min_score]
            kept = suppress(boxes, scores, OVERLAPS[2], of_smaller=True)
            five = points(reduced, boxes[kept], networks.onet)
        return [
            Detection((box * np.tile(ratio, 2)).astype(np.float32), (each * ratio).astype(np.float32), float(score))
            for box, each, score in zip(boxes[kept], five, scores[kept], strict=True)
        ]


def suppress(boxes: np.ndarray, scores: np.ndarray, overlap: float, *, of_smaller: bool = False) -> list[int]:
    """Of boxes that overlap, the one that scores most.

    Args:
        boxes: (N, 4), pixels.
        scores: (N,).
        overlap: what two boxes share may be this much of what they cover together, 0–1.
        of_smaller: it is compared with the smaller box instead, so that no box inside another is kept.

    Returns:
        The places of what is kept, the surest first.
    """
    areas = np.prod(boxes[:, 2:] - boxes[:, :2], axis=1)
    waiting = np.argsort(-scores, kind="stable")
    kept: list[int] = []
    while len(waiting):
        first, rest = waiting[0], waiting[1:]
        kept.append(int(first))
        low, high = np.maximum(boxes[first, :2], boxes[rest, :2]), np.minimum(boxes[first, 2:], boxes[rest, 2:])
        shared = np.prod(np.maximum(high - low, 0), axis=1)
        whole = np.minimum(areas[first], areas[rest]) if of_smaller else areas[first] + areas[rest] - shared
        waiting = rest[shared <= overlap * whole]
    return kept


def _propose(picture: np.ndarray, pnet: Run) -> np.ndarray:
    """Windows (N, 4) that may hold a face, of all sizes, the surest first."""
    cv2 = opencv()
    height, width = picture.shape[:2]
    windows: list[np.ndarray] = [np.zeros((0, 4))]
    scores: list[np.ndarray] = [np.zeros(0)]
    moves: list[np.ndarray] = [np.zeros((0, 4))]
    scale = CELL / SMALLEST_FACE
    while round(scale * min(height, width)) >= CELL:
        size = (round(scale * width), round(scale * height))
        shares, sure = pnet(normalised(cv2.resize(picture, size, interpolation=cv2.INTER_AREA)[None]))
        rows, columns = np.nonzero(sure[0, 1] >= LEAST_SCORES[0])
        corner = np.stack((columns, rows), 1) * float(STRIDE)
        found = np.concatenate((corner, corner + CELL), 1) * np.tile((width / size[0], height / size[1]), 2)
        kept = suppress(found, sure[0, 1, rows, columns], OVERLAPS[0])
        windows.append(found[kept])
        scores.append(sure[0, 1, rows[kept], columns[kept]])
        moves.append(shares[0][:, rows[kept], columns[kept]].T)
        scale *= SHRINK
    every = np.concatenate(windows)
    kept = suppress(every, np.concatenate(scores), OVERLAPS[1])[:MOST_WINDOWS]
    return moved(every[kept], np.concatenate(moves)[kept])


def _sift(picture: np.ndarray, boxes: np.ndarray, rnet: Run) -> np.ndarray:
    """Those windows that R-Net takes for faces, moved to where it sees them, (N, 4)."""
    if not len(boxes):
        return boxes
    boxes = squares(boxes)
    moves, scores = rnet(cut_windows(picture, boxes, RNET_SIDE))
    sure = scores[:, 1] >= LEAST_SCORES[1]
    kept = suppress(boxes[sure], scores[sure, 1], OVERLAPS[1])
    return moved(boxes[sure][kept], moves[sure][kept])


def _reduce(picture: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """A picture of 640 pixels at most, and the factors (x, y) that lead back."""
    height, width = picture.shape[:2]
    scale = PICTURE_SIDE / max(height, width)
    if scale >= 1:
        return picture, np.ones(2)
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    cv2 = opencv()
    return cv2.resize(picture, size, interpolation=cv2.INTER_AREA), np.array([width / size[0], height / size[1]])
