"""How alike the people of pictures are to those who should be there: every face matched, scored and put in order."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import fmean

import numpy as np
from torch import Tensor

from ..errors import InvalidSettingError
from ..face.recognition.same_person import sign_of
from ..face.types import Face
from ..people.person import People, Person
from .blending import score as blending_of
from .dino_scores import DinoScore, DinoScorer
from .matching import NOBODY, assign
from .recognisers import KnownRecogniser, Likeness


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class ScoredPicture:
    """One picture.

    Attributes:
        picture: (H, W, 3) uint8 RGB.
        faces: all F that were found.
        owners: of each of P people who were looked for the face that is theirs, -1 where they are missing.
        likeness: of all faces with all people, one entry a recogniser; the first one's matched them.
        blending: mean cosine between the picture's faces by the first recogniser; None below two faces.
        dino: what DINO says of everybody; empty where it was not asked.
    """

    picture: np.ndarray
    faces: tuple[Face, ...]
    owners: tuple[int, ...]
    likeness: tuple[Likeness, ...]
    blending: float | None
    dino: tuple[DinoScore, ...] = ()

    @property
    def extra(self) -> tuple[int, ...]:
        """Faces of strangers."""
        return tuple(face for face in range(len(self.faces)) if face not in self.owners)

    def cosine(self, person: int, recogniser: int = 0) -> float | None:
        """Of a person with their own face, -1 to 1; None where they are missing."""
        face = self.owners[person]
        return None if face == NOBODY else float(self.likeness[recogniser].cosines[face, person])

    def closest(self, person: int) -> float | None:
        """The cosine of the stranger who is most like a person; None where there is none."""
        cosines = [float(self.likeness[0].cosines[face, person]) for face in self.extra]
        return max(filter(math.isfinite, cosines), default=None)

    @property
    def score(self) -> float:
        """The cosine of whoever is least alike, 0 where somebody is missing: a picture is as good as its worst face.

        Reference: FastComposer's protocol for several people, which UniPortrait follows.
        """
        cosines = [self.cosine(person) for person in range(len(self.owners))]
        return min(0.0 if cosine is None else cosine for cosine in cosines)

    @property
    def mean(self) -> float:
        """The mean cosine; of whoever is missing with the stranger who is most like them, 0 where there is none."""

        def either(person: int) -> float:
            cosine = self.cosine(person)
            return (self.closest(person) or 0.0) if cosine is None else cosine

        return fmean(map(either, range(len(self.owners))))


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class Scores:
    """Pictures of one batch.

    Attributes:
        people: who was looked for, with a reference; P of them.
        places: their places in the chain, which decide their colours.
        left_out: names of those of whom no photo shows a face.
        recognisers: who compared; the first one matched.
        threshold: of the first one, in its measure.
        pictures: in the order of the batch.
    """

    people: tuple[Person, ...]
    places: tuple[int, ...]
    left_out: tuple[str, ...]
    recognisers: tuple[KnownRecogniser, ...]
    threshold: float
    pictures: tuple[ScoredPicture, ...]

    @property
    def order(self) -> tuple[int, ...]:
        """Places in the batch, the best first: by the score, then by the mean, then the fewer strangers; equal ones as they
        came.
        """

        def worse(place: int) -> tuple[float, float, int]:
            picture = self.pictures[place]
            return -picture.score, -picture.mean, len(picture.extra)

        return tuple(sorted(range(len(self.pictures)), key=worse))

    def best(self, count: int) -> tuple[int, ...]:
        """Places of the best pictures, at most so many, the best first."""
        return self.order[:count]

    def above(self, score: float) -> tuple[int, ...]:
        """Places of the pictures that reach a score, the best first."""
        return tuple(place for place in self.order if self.pictures[place].score >= score)


class Scorer:
    """Compares pictures with people; looks at the people's photos once.

    Args:
        people: the chain. Whoever has no face is left out.
        recognisers: at least one; the first one matches.
        threshold: see `KnownRecogniser.threshold`.
        dino: makes what DINO is asked by, of those who are compared; None asks none.

    Raises:
        InvalidSettingError: if nobody has a face, or the recogniser has no threshold.
    """

    def __init__(
        self,
        people: People,
        recognisers: Sequence[KnownRecogniser],
        threshold: float = 0.0,
        dino: Callable[[Sequence[Person]], DinoScorer] | None = None,
    ):
        self.places = tuple(place for place, person in enumerate(people) if person.has_face)
        self.people = tuple(people[place] for place in self.places)
        self.left_out = tuple(person.name for person in people if not person.has_face)
        if not self.people:
            raise InvalidSettingError(
                f"Nobody can be compared: {len(people)} people are in the chain and no photo of theirs shows a face; give Add "
                "Person a photo with one."
            )
        self.recognisers = tuple(recognisers)
        self.threshold = self.recognisers[0].threshold(threshold)
        self._references = [recogniser.references(self.people) for recogniser in self.recognisers]
        self._dino = None if dino is None else dino(self.people)

    def score(self, picture: np.ndarray, faces: Sequence[Face]) -> ScoredPicture:
        """Compare one picture, (H, W, 3) uint8 RGB, with its faces."""
        vectors = [recogniser.vectors(faces, picture) for recogniser in self.recognisers]
        likeness = tuple(
            recogniser.compare(found, references)
            for recogniser, found, references in zip(self.recognisers, vectors, self._references, strict=True)
        )
        owners: list[int] = self._owners(likeness[0]).tolist()
        owned = [None if face == NOBODY else faces[face] for face in owners]
        return ScoredPicture(
            picture=picture,
            faces=tuple(faces),
            owners=tuple(owners),
            likeness=likeness,
            blending=blending_of(vectors[0]),
            dino=() if self._dino is None else self._dino.score(picture, owned),
        )

    def scores(self, pictures: Sequence[ScoredPicture]) -> Scores:
        """All pictures of a batch together."""
        return Scores(
            people=self.people,
            places=self.places,
            left_out=self.left_out,
            recognisers=self.recognisers,
            threshold=self.threshold,
            pictures=tuple(pictures),
        )

    def _owners(self, likeness: Likeness) -> Tensor:
        sign = sign_of(self.recognisers[0].measure)
        return assign(sign * likeness.values, sign * self.threshold)
