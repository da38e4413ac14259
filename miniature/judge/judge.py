"""Reading whole pictures: who is where, and what is behind them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from ...models.images.layout import arrays_from_images
from ...models.miniature.finder import FaceFinder, find_faces
from .readers import Reader, person_windows, whole_pictures

MIN_SCORE = 0.5
SMALLEST = 0.12  # height of a face that counts, share of the picture's


@dataclass(frozen=True, eq=False, slots=True)
class Verdict:
    """What the judge sees in one picture.

    Attributes:
        points: five of every face, from left to right, (F, 5, 2), pixels.
        people: logarithms of probabilities by question, (F, answers) each.
        backdrop: the same of the picture, (answers,) each.
    """

    points: Tensor
    people: dict[str, Tensor]
    backdrop: dict[str, Tensor]

    @property
    def count(self) -> int:
        """Number of faces in the picture."""
        return len(self.points)

    def answers(self, question: str) -> Tensor:
        """Return the likeliest code of everybody, (F,)."""
        return self.people[question].argmax(-1)


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class Judge:
    """Networks that nothing else uses.

    Attributes:
        finder: finds faces.
        persons: reads a person.
        backdrops: reads what is behind.
    """

    finder: FaceFinder
    persons: Reader
    backdrops: Reader

    @torch.no_grad()
    def read(self, pictures: Tensor) -> list[Verdict]:
        """Read pictures (B, 3, H, W), 0–1: a verdict for each."""
        arrays = arrays_from_images(pictures.permute(0, 2, 3, 1))
        found = [self._faces(array) for array in arrays]
        backdrops = self.backdrops(whole_pictures(pictures))
        owner = torch.tensor([number for number, points in enumerate(found) for _ in points], dtype=torch.int64)
        people = self._people(pictures[owner], torch.cat(found))
        return [
            Verdict(
                points=points,
                people={name: logits[owner == number].log_softmax(-1) for name, logits in people.items()},
                backdrop={name: logits[number].log_softmax(-1) for name, logits in backdrops.items()},
            )
            for number, points in enumerate(found)
        ]

    def _people(self, pictures: Tensor, points: Tensor) -> dict[str, Tensor]:
        """Return what the reader says of faces; torch's layers refuse to see nobody."""
        if not len(points):
            return {name: pictures.new_zeros(0, answers) for name, answers in self.persons.questions.items()}
        return self.persons(person_windows(pictures, points))

    def _faces(self, picture: np.ndarray) -> Tensor:
        """Return the points of the faces of a picture from left to right, (F, 5, 2)."""
        faces = find_faces(self.finder, picture, MIN_SCORE)
        large = [face for face in faces if face.box[3] - face.box[1] >= SMALLEST * len(picture)]
        points = sorted((torch.from_numpy(face.points) for face in large), key=lambda each: float(each[:, 0].mean()))
        return torch.stack(points) if points else torch.zeros(0, 5, 2)
