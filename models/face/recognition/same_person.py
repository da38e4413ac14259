"""From where on a recogniser's authors call two faces one person."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from torch import Tensor
from torch.nn.functional import normalize

Measure = Literal["cosine", "distance"]


@dataclass(frozen=True, slots=True)
class SamePerson:
    """A published threshold.

    Attributes:
        measure: what it is of: the cosine of two vectors, the higher the more alike, or their Euclidean distance, as they
            come from the network, the lower the more alike.
        threshold: of the same person, in that measure.
        source: who published it.
    """

    measure: Measure
    threshold: float
    source: str


def measured(faces: Tensor, people: Tensor, measure: Measure) -> Tensor:
    """How far F faces are from P people, (F, W) and (P, W) to (F, P), in a measure."""
    if measure == "distance":
        return (faces[:, None] - people[None]).norm(dim=-1)
    return normalize(faces, dim=-1) @ normalize(people, dim=-1).T


def sign_of(measure: Measure) -> int:
    """What makes values of a measure a similarity, the higher the more alike: 1, or -1 for a distance."""
    return -1 if measure == "distance" else 1


def lengths_matter(measure: Measure) -> bool:
    """Whether a vector's length says something, so that vectors are not normalised before they are averaged."""
    return measure == "distance"


def mean_vector(vectors: Tensor, weights: Tensor, measure: Measure) -> Tensor:
    """One vector for several photos, (R, W) and (R,) to (W,): the weighted mean of vectors of length 1, or as they come where
    lengths matter.
    """
    directions = vectors if lengths_matter(measure) else normalize(vectors, dim=-1)
    return (directions * weights[:, None]).sum(0) / weights.sum()
