"""Face analysis: from pictures to the faces that an adapter works with."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from ..errors import BadImageError
from ..port.encoders import FaceDetector
from .alignment import align
from .selection import Selection, pick
from .types import Detection, Face, FaceSet, OnNoFace

LARGEST = Selection()


def analyze(
    images: Sequence[np.ndarray],
    detector: FaceDetector,
    selection: Selection = LARGEST,
    on_no_face: OnNoFace = "error",
    progress: Callable[[int, int], None] | None = None,
) -> FaceSet:
    """Find, align and pick the faces of a batch of pictures.

    Args:
        images: (H, W, 3) uint8 RGB each, at least one.
        detector: finds them.
        selection: which faces are taken.
        on_no_face: what a picture without a face means, see `selection.pick`.
        progress: called with (pictures done, pictures) after each.

    Returns:
        The faces taken, and all that were found.

    Raises:
        NoFaceFoundError: see `selection.pick`.
        BadImageError: if there is no picture, or one is not (H, W, 3) uint8.
        LikenessError: whatever the detector raises.
    """
    if not images:
        raise BadImageError("There is no picture to look for faces in; connect at least one.")
    faces: list[Face] = []
    for number, detections in enumerate(detector.find(images)):
        faces += [_face(detection, index, number, images[number]) for index, detection in enumerate(detections)]
        if progress is not None:
            progress(number + 1, len(images))
    return pick(faces, tuple(images), selection, on_no_face)


def repick(faces: FaceSet, selection: Selection, on_no_face: OnNoFace) -> FaceSet:
    """Pick again among all faces that were found.

    Raises:
        NoFaceFoundError: see `selection.pick`.
    """
    return pick(faces.candidates, faces.images, selection, on_no_face)


def _face(detection: Detection, index: int, image_index: int, image: np.ndarray) -> Face:
    height, width = image.shape[:2]
    return Face(
        box=detection.box.astype(np.float32),
        points=detection.points.astype(np.float32),
        score=detection.score,
        crop=align(image, detection.points),
        index=index,
        image_index=image_index,
        image_size=(height, width),
    )
