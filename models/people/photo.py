"""Photos of a person: whole pictures, with the face that is theirs and what each counts among the others."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from ..errors import InvalidSettingError
from ..face.types import Face, FaceSet
from ..port.encoders import FaceDetector


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class Photo:
    """One photo of a person, whole.

    Attributes:
        picture: (H, W, 3) uint8 RGB.
        faces: all that were found, in the order that was asked for.
        taken: the face that is this person's; None where none was found.
        weight: of this photo among the person's, at least 0; only its proportion to the others' counts. A method that averages
            over photos takes the weighted mean, one that joins their tokens adds log w to the scores of this photo's; 0 leaves
            the photo out.
        is_outlier: whether it is unlike the person's other photos, see `weighing`.
        is_chosen: whether somebody chose the face among others or said where it is: a method then looks at the face with
            its surroundings, else at the photo as a whole.
        detector: what the faces were found with, for methods whose published code looks again in its own way; None where
            nobody looked.
        stand_in: what the pixels are drawn from where the photo itself is not there, see `stand_ins`; empty for a real photo.

    Raises:
        InvalidSettingError: if the weight is negative or no number.
    """

    picture: np.ndarray
    faces: tuple[Face, ...] = ()
    taken: Face | None = None
    weight: float = 1.0
    is_outlier: bool = False
    is_chosen: bool = False
    detector: FaceDetector | None = None
    stand_in: str = ""

    def __post_init__(self) -> None:
        if not 0 <= self.weight < math.inf:
            raise InvalidSettingError(f"A photo's weight is {self.weight}; give a number that is at least 0.")


def photos_of(faces: FaceSet, detector: FaceDetector | None, *, is_chosen: bool) -> tuple[Photo, ...]:
    """A person's photos from faces that were taken.

    A picture of which several faces were taken is several photos; one of which none was taken is a photo without a face.

    Args:
        faces: faces and pictures.
        detector: what found them.
        is_chosen: see `Photo`.
    """
    photos: list[Photo] = []
    for number, picture in enumerate(faces.images):
        taken = [face for face in faces.faces if face.image_index == number]
        for face in taken or [None]:
            photos.append(
                Photo(
                    picture=picture,
                    faces=faces.of_image(number),
                    taken=face,
                    is_chosen=is_chosen,
                    detector=detector,
                )
            )
    return tuple(photos)


def weights_of(photos: Iterable[Photo]) -> list[float]:
    """The weights of a person's photos that count, by the largest, which becomes 1.

    So photos that weigh alike are to the bit as without weights, and one that is alone is to the bit itself.
    """
    weights = [photo.weight for photo in photos]
    return [weight / max(weights) for weight in weights]
