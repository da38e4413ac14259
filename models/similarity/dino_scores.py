"""What DINO says of people in a picture, beside a recogniser: how alike whole pictures are, and FGIS of the face.

The first is the papers' DINO score, the cosine of the class tokens of a picture and a person's whole photo. FGIS looks at one
face with its surroundings (see `fgis`), so several people of one picture can be told apart by it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from torch import Tensor
from torch.nn.functional import cosine_similarity

from ..errors import NoFaceFoundError
from ..face.region_masks import filled_masks
from ..face.types import Face
from ..people.person import Person
from .fgis import Embed, ParsedPhoto, fgis

MARGIN = 0.5  # surroundings of a face that the parser sees, in face sizes
PARSED = 512  # pixels; side of what it sees
Around = Callable[[np.ndarray, Face], np.ndarray]  # labels (H, W) of a picture, background away from one face


@dataclass(frozen=True, slots=True, kw_only=True)
class DinoScore:
    """What is said of one person in one picture; the weighted mean over their photos.

    Attributes:
        dino: cosine of whole picture and whole photo, -1 to 1; None without photos.
        fgis: FGIS of the person's face, -1 to 1; None without photos, where the person is missing, without a parser, or where
            picture and photos have no region in common.
    """

    dino: float | None = None
    fgis: float | None = None


@dataclass(frozen=True, eq=False, slots=True)
class _Reference:
    weight: float
    vector: Tensor  # (D,)
    parsed: ParsedPhoto | None


class DinoScorer:
    """Compares pictures with people; looks at the people's photos once.

    Args:
        people: who is looked for. Whoever has no photos, such as somebody from a card, gets no score.
        embed: DINO, (B, D) of B pictures (H, W, 3) uint8.
        around: the face parser; None leaves FGIS out.
    """

    def __init__(self, people: Sequence[Person], embed: Embed, around: Around | None) -> None:
        self._embed, self._around = embed, around
        self._references = [[*self._seen(person)] for person in people]

    def score(self, picture: np.ndarray, owned: Sequence[Face | None]) -> tuple[DinoScore, ...]:
        """Scores of everybody in one picture.

        Args:
            picture: (H, W, 3) uint8 RGB.
            owned: the face of each of the people, None where they are missing.
        """
        [vector] = self._embed([picture])
        return tuple(
            DinoScore(dino=_similarity(vector, known), fgis=self._fine(picture, face, known))
            for face, known in zip(owned, self._references, strict=True)
        )

    def _seen(self, person: Person) -> list[_Reference]:
        found: list[_Reference] = []
        for part, factor in person.parts:
            for photo, face in part.shown:
                if photo.weight * factor > 0:
                    [vector] = self._embed([photo.picture])
                    found.append(_Reference(photo.weight * factor, vector, self._parsed(photo.picture, face)))
        return found

    def _parsed(self, picture: np.ndarray, face: Face) -> ParsedPhoto | None:
        return None if self._around is None else ParsedPhoto(picture, filled_masks(self._around(picture, face)))

    def _fine(self, picture: np.ndarray, face: Face | None, known: Sequence[_Reference]) -> float | None:
        seen = None if face is None or not known else self._parsed(picture, face)
        if seen is None:
            return None
        found: list[tuple[float, float]] = []
        for reference in known:
            try:
                if reference.parsed is not None:
                    found.append((fgis(reference.parsed, seen, self._embed).score, reference.weight))
            except NoFaceFoundError:  # this photo and the picture have no region in common
                continue
        return _weighted(found)


def _similarity(vector: Tensor, known: Sequence[_Reference]) -> float | None:
    return _weighted(
        [(float(cosine_similarity(vector.double(), each.vector.double(), dim=0)), each.weight) for each in known]
    )


def _weighted(values: Sequence[tuple[float, float]]) -> float | None:
    """The weighted mean of (value, weight); None without any."""
    total = sum(weight for _, weight in values)
    return sum(value * weight for value, weight in values) / total if values else None
