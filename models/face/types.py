"""The values that face analysis hands on."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

OnNoFace = Literal["error", "skip photo", "go on"]


@dataclass(frozen=True, eq=False, slots=True)
class Detection:
    """What a detector says about one face.

    Attributes:
        box: (4,) float32, x0 y0 x1 y1 in pixels, origin top-left; may leave the picture.
        points: (5, 2) float32, pixels, in image order: left eye, right eye, nose, left and right corner of the mouth.
        score: confidence, 0–1; 1 where the user gave the region.
    """

    box: np.ndarray
    points: np.ndarray
    score: float


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class Face:
    """One face in one picture.

    Attributes:
        box: (4,) float32, x0 y0 x1 y1 in pixels, origin top-left, clamped to the picture.
        points: (5, 2) float32, pixels, in image order: left eye, right eye, nose, left and right corner of the mouth.
        score: the detector's confidence, 0–1; 1 where the user gave the region.
        crop: (224, 224, 3) uint8 RGB, aligned to the ArcFace template, black outside the picture.
        index: place of the face among those found in its image, in the detector's order.
        image_index: place of the image in its batch.
        image_size: (height, width) of the picture, pixels.
    """

    box: np.ndarray
    points: np.ndarray
    score: float
    crop: np.ndarray
    index: int
    image_index: int
    image_size: tuple[int, int]


@dataclass(frozen=True, eq=False, slots=True)
class FaceSet:
    """The faces taken from a batch of pictures.

    Attributes:
        faces: the faces taken, images in order, faces of one image in the order that was asked for.
        images: the pictures, (H, W, 3) uint8 RGB each; `Face.image_index` points here.
        on_no_face: what the user wants when nobody is found.
        candidates: all faces that were found, images in order, faces of one image in the order that was asked for: the
            place among those of its image is the number that the preview shows. `faces` are some of them; left empty,
            they are all.
    """

    faces: tuple[Face, ...]
    images: tuple[np.ndarray, ...]
    on_no_face: OnNoFace = "error"
    candidates: tuple[Face, ...] = ()

    def __post_init__(self) -> None:
        if not self.candidates:
            object.__setattr__(self, "candidates", self.faces)

    @property
    def found(self) -> bool:
        """Whether at least one face was taken."""
        return bool(self.faces)

    def of_image(self, image_index: int) -> tuple[Face, ...]:
        """All faces found in one picture, in order."""
        return tuple(face for face in self.candidates if face.image_index == image_index)


def combine(first: FaceSet, second: FaceSet) -> FaceSet:
    """Both sets as one: the pictures and faces of `first`, then those of `second`."""
    shift = len(first.images)
    moved = {id(face): replace(face, image_index=face.image_index + shift) for face in second.faces + second.candidates}
    return FaceSet(
        faces=first.faces + tuple(moved[id(face)] for face in second.faces),
        images=first.images + second.images,
        on_no_face=first.on_no_face,
        candidates=first.candidates + tuple(moved[id(face)] for face in second.candidates),
    )
