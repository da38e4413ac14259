"""What every photo of a person weighs among the others."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Literal, get_args

from torch import Tensor

from ..errors import InvalidSettingError
from ..face.types import Face
from ..port.encoders import FaceRecogniser
from .likeness import FENCE, FEWEST, likeness_factor, likenesses, strangeness
from .photo import Photo
from .quality import sharpness, sharpness_factors, size_factor

Weighing = Literal["all equally", "by likeness", "leave outliers out"]
WEIGHINGS: tuple[Weighing, ...] = get_args(Weighing)


def weigh(photos: Sequence[Photo], how: Weighing, recogniser: Callable[[], FaceRecogniser]) -> tuple[Photo, ...]:
    """The photos of one person with their weights.

    A photo's weight is the product of three factors: how like it is to the others (`likeness_factor`, near 0 to 1), its
    sharpness among them (0.5–1) and the size of its face (0.5–1), divided by the largest product, so that the photo that counts
    most has exactly 1. Photos that are alike in all three, and a photo that is alone, weigh 1. One that shows no face counts
    nowhere and stays as it is.

    Args:
        photos: of one person.
        how: "all equally" leaves them as they are and asks nobody; "by likeness" weighs; with "leave outliers out" what is unlike the
            others weighs 0, and the others are weighed as if it were not there.
        recogniser: gives what looks at the faces; asked only where there are three or more, for of two nobody can say which is
            the stranger.

    Raises:
        InvalidSettingError: if there is no such way.
        BadImageError: see `likenesses`.
        LikenessError: whatever the recogniser raises.
    """
    if how not in WEIGHINGS:
        raise InvalidSettingError(f'Photos cannot be weighed "{how}"; choose one of: {", ".join(WEIGHINGS)}.')
    shown = [(photo, photo.taken) for photo in photos if photo.taken is not None]
    if how == "all equally" or not shown:
        return tuple(photos)
    vectors = None
    if len(shown) >= FEWEST:
        vectors = recogniser().vectors([face for _, face in shown], [photo.picture for photo, _ in shown])
    outlying = [value > FENCE for value in _strangeness(len(shown), vectors)]
    counted = [place for place, is_outlier in enumerate(outlying) if how == "by likeness" or not is_outlier]
    products = _products([shown[place][1] for place in counted], None if vectors is None else vectors[counted])
    weights = dict(zip(counted, (product / max(products) for product in products), strict=True))
    places = iter(range(len(shown)))

    def weighed(photo: Photo) -> Photo:
        if photo.taken is None:
            return photo
        place = next(places)
        return replace(photo, weight=weights.get(place, 0.0), is_outlier=outlying[place])

    return tuple(weighed(photo) for photo in photos)


def _strangeness(count: int, vectors: Tensor | None) -> list[float]:
    """How strange each face is among the others; 0 for faces that are too few to be looked at."""
    return [0.0] * count if vectors is None or count < FEWEST else strangeness(likenesses(vectors)).tolist()


def _products(faces: Sequence[Face], vectors: Tensor | None) -> list[float]:
    """Likeness, sharpness and size of faces that are weighed among each other, as one factor for each."""
    alike = [likeness_factor(value) for value in _strangeness(len(faces), vectors)]
    sharp = sharpness_factors([sharpness(face.crop) for face in faces])
    return [a * s * size_factor(face) for a, s, face in zip(alike, sharp, faces, strict=True)]
