"""The judge as one more recogniser of the evaluation kit."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from ...models.face.types import Face
from ...models.images.layout import images_from_arrays
from ...models.weights.fingerprint import fingerprint
from ..judge.judge import Judge
from ..judge.readers import person_windows
from ..judge.scores import IDENTITY


@dataclass(frozen=True, eq=False, slots=True)
class JudgeRecogniser:
    """What the judge reads of skin, hair colour and eyes, as a vector; a `FaceRecogniser`.

    The vector is the roots of the probabilities of all answers: the cosine of two is the mean over the questions of how far the
    answers agree (Bhattacharyya's coefficient), 1 for the same and 0 for others.

    Attributes:
        judge: reads.
    """

    judge: Judge

    @property
    def key(self) -> str:
        """Hash of the reader's weights."""
        return f"judge {fingerprint(self.judge.persons)}"

    @property
    def width(self) -> int:
        """Answers to all questions."""
        return sum(self.judge.persons.questions[name] for name in IDENTITY)

    @torch.no_grad()
    def vectors(self, faces: Sequence[Face], pictures: Sequence[np.ndarray]) -> Tensor:
        """Vectors of faces, (R, width), see `FaceRecogniser`."""
        return torch.cat([self._vector(face, picture) for face, picture in zip(faces, pictures, strict=True)])

    def _vector(self, face: Face, picture: np.ndarray) -> Tensor:
        pixels = images_from_arrays([picture]).permute(0, 3, 1, 2)
        read = self.judge.persons(person_windows(pixels, torch.from_numpy(face.points)[None]))
        return torch.cat([read[name].softmax(-1).sqrt() for name in IDENTITY], -1)
