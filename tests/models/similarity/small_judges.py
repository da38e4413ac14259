"""Recognisers for tests that read a face's vector from its points, and people and faces made of vectors."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from likeness.models.face.recognition.same_person import SamePerson
from likeness.models.face.types import Face
from likeness.models.people.person import Person
from likeness.models.people.photo import Photo
from likeness.models.similarity.recognisers import KnownRecogniser
from torch import Tensor

PICTURE = np.full((100, 200, 3), 90, np.uint8)
COSINE = SamePerson("cosine", 0.5, "this test")


class PointVectors:
    """A recogniser whose vectors are the points of a face, and which counts the faces that it was asked about."""

    width = 10

    def __init__(self, key="points"):
        self.key = key
        self.asked = 0

    def vectors(self, faces: Sequence[Face], pictures: Sequence[np.ndarray]) -> Tensor:
        assert len(faces) == len(pictures)
        self.asked += len(faces)
        return torch.stack([torch.from_numpy(face.points).flatten() for face in faces])


def known(name="points", published=COSINE, encoder=None, calibration=None) -> KnownRecogniser:
    encoder = encoder or PointVectors()
    return KnownRecogniser(
        name=name, encoder=encoder, remembering=encoder, published=published, calibration=calibration
    )


def face(*vector: float, box=(10, 10, 40, 50), index=0) -> Face:
    """A face that the recogniser describes by a vector."""
    points = np.zeros(10, np.float32)
    points[: len(vector)] = vector
    return Face(
        box=np.float32(box),
        points=points.reshape(5, 2),
        score=0.9,
        crop=np.zeros((224, 224, 3), np.uint8),
        index=index,
        image_index=0,
        image_size=PICTURE.shape[:2],
    )


def person(name: str, *vectors: Sequence[float], weights: Sequence[float] = ()) -> Person:
    """Somebody with a photo for each vector; without vectors with a photo that shows no face."""
    photos = [
        Photo(picture=PICTURE, taken=face(*vector), weight=weight)
        for vector, weight in zip(vectors, weights or [1.0] * len(vectors), strict=True)
    ]
    return Person(name=name, photos=tuple(photos or [Photo(picture=PICTURE)]))
