"""Recognisers that judge likeness: a network with what is known of its numbers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from ..errors import InvalidSettingError
from ..face.recognition.same_person import Measure, SamePerson, mean_vector, measured
from ..face.types import Face
from ..people.person import Person, looked_at
from ..port.encoders import FaceRecogniser
from .calibration import Calibration


@dataclass(frozen=True, eq=False, slots=True)
class Likeness:
    """How alike F faces and P people are.

    Attributes:
        values: in the recogniser's measure, (F, P).
        cosines: (F, P), -1 to 1.
    """

    values: Tensor
    cosines: Tensor


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class KnownRecogniser:
    """A recogniser with its thresholds.

    Attributes:
        name: what reports call it.
        encoder: looks at faces that are seen once.
        remembering: the same for people's photos, which are seen again.
        published: from where on its authors call two faces one person; None where nobody says.
        calibration: what its cosines say; None where it has not been calibrated.
    """

    name: str
    encoder: FaceRecogniser
    remembering: FaceRecogniser
    published: SamePerson | None = None
    calibration: Calibration | None = None

    @property
    def measure(self) -> Measure:
        """What its threshold is of."""
        return "cosine" if self.published is None else self.published.measure

    def threshold(self, wanted: float = 0.0) -> float:
        """The threshold, in the recogniser's measure.

        Args:
            wanted: by the user; 0 takes the published one, else where the calibration is undecided.

        Raises:
            InvalidSettingError: if nobody says.
        """
        if wanted:
            return wanted
        if self.published is not None:
            return self.published.threshold
        if self.calibration is not None:
            return self.calibration.threshold
        raise InvalidSettingError(
            f"Nobody has published from which cosine on {self.name} means the same person, and it is not calibrated; set "
            "threshold, between 0 and 1."
        )

    def percentage(self, cosine: float) -> float | None:
        """How likely it is the same person, 0–100; None where it is not calibrated."""
        return None if self.calibration is None else self.calibration.percentage(cosine)

    def compare(self, vectors: Tensor, references: Tensor) -> Likeness:
        """Compare vectors of faces, (F, W), with those of people, (P, W)."""
        return Likeness(measured(vectors, references, self.measure), measured(vectors, references, "cosine"))

    def vectors(self, faces: Sequence[Face], picture: np.ndarray) -> Tensor:
        """Vectors of the faces of one picture, (F, W)."""
        if not faces:
            return torch.zeros(0, self.encoder.width)
        return self.encoder.vectors(faces, [picture] * len(faces)).float()

    def references(self, people: Sequence[Person]) -> Tensor:
        """One vector for each of P people who have a face, (P, W), see `person_vector`."""
        rows = [person_vector(person, self.remembering, self.measure) for person in people]
        return torch.stack(rows) if rows else torch.zeros(0, self.encoder.width)


def person_vector(person: Person, recogniser: FaceRecogniser, measure: Measure = "cosine") -> Tensor:
    """One vector for a person.

    Of several photos the mean counts, weighted by the photos' weights, of vectors of length 1 (as they come for a measure in
    which lengths count); of several people mixed into one the sum of these by their factors. Averaging directions keeps one
    photo with a long vector from deciding alone, and the mean of several photos is nearer to a further one than each is.

    Args:
        person: who has a face, see `Person.has_face`.
        recogniser: looks at their photos.
        measure: in which they will be compared.

    Returns:
        (W,) float32.
    """

    def own(part: Person) -> Tensor:
        with looked_at(part) as seen:
            photos = [photo for photo, _ in seen.shown]
            vectors = recogniser.vectors([face for _, face in seen.shown], [photo.picture for photo in photos])
        return mean_vector(vectors.float(), torch.tensor([photo.weight for photo in photos]), measure)

    if not person.mixed:
        return own(person)
    factors = torch.tensor([factor for _, factor in person.parts])
    return mean_vector(torch.stack([own(part) for part, _ in person.parts]), factors, measure)
