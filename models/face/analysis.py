"""Face analysis: from pictures to the faces that an adapter works with, found, aligned, sorted and picked."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np

from ..errors import BadImageError, InvalidSettingError, NoFaceFoundError
from ..port.encoders import FaceDetector
from .alignment import align
from .types import Detection, Face, FaceSet, OnNoFace

Order = Literal[
    "largest first",
    "smallest first",
    "left to right",
    "right to left",
    "top to bottom",
    "highest score",
    "nearest to point",
]
Take = Literal["one per image", "all"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """How faces are picked.

    Attributes:
        order: what the faces of one image are sorted by; equal ones keep the detector's order.
        take: one face of every image, or all of them.
        number: place in the order, from 1, of the face that "one per image" takes; "all" ignores it.
        point: (x, y) for "nearest to point", fractions 0–1 of width and height.
    """

    order: Order = "largest first"
    take: Take = "one per image"
    number: int = 1
    point: tuple[float, float] = (0.5, 0.5)

    def __post_init__(self) -> None:
        for name, value, choices in (("order", self.order, get_args(Order)), ("take", self.take, get_args(Take))):
            if value not in choices:
                raise InvalidSettingError(f'{name} is "{value}"; choose one of: {", ".join(choices)}.')
        if self.number < 1:
            raise InvalidSettingError(f"number is {self.number}; faces are counted from 1.")
        if not all(0 <= coordinate <= 1 for coordinate in self.point):
            raise InvalidSettingError(
                f"The point is {self.point}; give fractions of width and height from 0 to 1, not pixels."
            )


LARGEST = Selection()


def sort_faces(faces: Iterable[Face], selection: Selection) -> list[Face]:
    """The faces of one image in the order asked for; equal ones keep the detector's order."""
    key = _sort_key(selection)
    return sorted(sorted(faces, key=lambda face: face.index), key=key)


def pick(
    candidates: Iterable[Face], images: tuple[np.ndarray, ...], selection: Selection, on_no_face: OnNoFace
) -> FaceSet:
    """Sort and take faces.

    Args:
        candidates: the faces of all images.
        images: the pictures, (H, W, 3) uint8 RGB each.
        selection: how to sort and what to take.
        on_no_face: what an image without a face to take means. "error" stops; "skip photo" leaves the image out
            and stops only when no face is left at all; "go on" lets the set be empty.

    Returns:
        The faces taken, with all candidates in their order.

    Raises:
        NoFaceFoundError: naming the image, the faces found and what can be changed.
    """
    if on_no_face not in get_args(OnNoFace):
        raise InvalidSettingError(f'on_no_face is "{on_no_face}"; choose one of: {", ".join(get_args(OnNoFace))}.')
    candidates = list(candidates)
    ordered: list[Face] = []
    taken: list[Face] = []
    for place in range(len(images)):
        faces = sort_faces((face for face in candidates if face.image_index == place), selection)
        chosen = faces if selection.take == "all" else faces[selection.number - 1 : selection.number]
        if not chosen and on_no_face == "error":
            raise NoFaceFoundError(_nobody(place, len(images), len(faces), selection))
        ordered += faces
        taken += chosen
    if not taken and on_no_face != "go on":
        raise NoFaceFoundError(
            f"No face is left: none of the {len(images)} images shows {_wanted(selection)}; use other pictures, lower "
            'min_score, or set on_no_face to "go on".'
        )
    return FaceSet(faces=tuple(taken), images=images, on_no_face=on_no_face, candidates=tuple(ordered))


def _sort_key(selection: Selection) -> Callable[[Face], float]:
    def from_point(face: Face) -> float:
        height, width = face.image_size
        x, y = _centre(face)
        return float(np.hypot(x - selection.point[0] * width, y - selection.point[1] * height))

    return {
        "largest first": lambda face: -_area(face),
        "smallest first": _area,
        "left to right": lambda face: _centre(face)[0],
        "right to left": lambda face: -_centre(face)[0],
        "top to bottom": lambda face: _centre(face)[1],
        "highest score": lambda face: -face.score,
        "nearest to point": from_point,
    }[selection.order]


def _area(face: Face) -> float:
    x0, y0, x1, y1 = (float(edge) for edge in face.box)
    return (x1 - x0) * (y1 - y0)


def _centre(face: Face) -> tuple[float, float]:
    x0, y0, x1, y1 = (float(edge) for edge in face.box)
    return (x0 + x1) / 2, (y0 + y1) / 2


def _nobody(number: int, images: int, found: int, selection: Selection) -> str:
    where = f"image {number + 1} of {images}"
    if not found:
        return (
            f"No face was found in {where}; use a picture that shows the face larger and from the front, lower "
            'min_score, choose detector "given region", or set on_no_face to "skip photo".'
        )
    return (
        f"face {selection.number} was asked for, but {found} face{'s were' if found > 1 else ' was'} found in {where}; "
        f'choose a number from 1 to {found}, or set on_no_face to "skip photo".'
    )


def _wanted(selection: Selection) -> str:
    return f"face number {selection.number}" if selection.take == "one per image" and selection.number > 1 else "a face"


def analyze(
    images: Sequence[np.ndarray],
    detector: FaceDetector,
    selection: Selection = LARGEST,
    on_no_face: OnNoFace = "error",
) -> FaceSet:
    """Find, align and pick the faces of a batch of pictures.

    Args:
        images: (H, W, 3) uint8 RGB each, at least one.
        detector: finds them.
        selection: which faces are taken.
        on_no_face: what a picture without a face means, see `pick`.

    Returns:
        The faces taken, and all that were found.

    Raises:
        NoFaceFoundError: see `pick`.
        BadImageError: if there is no picture, or one is not (H, W, 3) uint8.
        LikenessError: whatever the detector raises.
    """
    if not images:
        raise BadImageError("There is no picture to look for faces in; connect at least one.")
    faces = [face for found in find_faces(images, detector) for face in found]
    return pick(faces, tuple(images), selection, on_no_face)


def _go_on() -> None:
    """Nobody interrupts."""


def find_faces(
    images: Sequence[np.ndarray], detector: FaceDetector, *, go_on: Callable[[], None] = _go_on
) -> Iterator[list[Face]]:
    """The aligned faces of one picture after another, in the detector's order.

    Args:
        images: (H, W, 3) uint8 RGB each.
        detector: finds them, when the next picture's are asked for.
        go_on: called before each face is aligned; what it raises ends the search.

    Raises:
        LikenessError: whatever the detector raises.
    """
    for number, detections in enumerate(detector.find(images)):
        found: list[Face] = []
        for index, detection in enumerate(detections):
            go_on()
            found.append(_face(detection, index, number, images[number]))
        yield found


def repick(faces: FaceSet, selection: Selection, on_no_face: OnNoFace) -> FaceSet:
    """Pick again among all faces that were found.

    Raises:
        NoFaceFoundError: see `pick`.
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
