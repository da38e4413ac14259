"""How alike the photos of one person are, and which are unlike the others, by the vectors of a face recogniser."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn.functional import normalize

from ..errors import BadImageError

FENCE = 3.5  # modified z-score beyond which a value is an outlier (Iglewicz and Hoaglin, 1993)
CONSISTENT = 1.4826  # times the median absolute deviation is the standard deviation of normal values
TURN = 1.345  # where weights begin to fall: 95 % efficient for normal values (Huber, 1964)
LEAST_SPREAD = 0.05  # of likenesses, for few photos may be alike by chance [choice]
FEWEST = 3  # photos of which one can be told to be unlike the others


def likenesses(vectors: Tensor) -> Tensor:
    """How like every photo is to the others: the median of its cosines with them, (R,) float64, -1–1.

    As long as most photos show the person, no stranger moves it.

    Args:
        vectors: of R faces, at least two, (R, V), of any length.

    Raises:
        BadImageError: if a vector holds NaN or infinity; says which.
    """
    broken = [number for number, vector in enumerate(vectors, 1) if not vector.isfinite().all()]
    if broken:
        raise BadImageError(
            f"The face recogniser gave NaN or infinity for face {broken[0]} of {len(vectors)}; take that photo out, or set "
            '"photos" of Add Person to "all equally".'
        )
    unit = normalize(vectors.double(), dim=-1)
    cosines = unit @ unit.T
    others = ~torch.eye(len(unit), dtype=torch.bool)
    return cosines[others].view(len(unit), -1).quantile(0.5, dim=-1)


def strangeness(found: Tensor) -> Tensor:
    """How far every photo's likeness lies below that of the person's photos, in standard deviations, (R,) float64.

    The modified z-score: (median - likeness) / (1.4826 · MAD), where the deviation is at least 0.05. Above 3.5 a photo is an
    outlier. Photos that are more alike than most are none, and of fewer than three nobody can say: 0.

    Args:
        found: `likenesses`, (R,).

    Reference: Iglewicz and Hoaglin, How to Detect and Handle Outliers (ASQC, 1993); the least deviation is ours [choice].
    """
    if len(found) < FEWEST:
        return torch.zeros_like(found)
    below = found.quantile(0.5) - found
    spread = CONSISTENT * below.abs().quantile(0.5)
    return (below / spread.clamp(min=LEAST_SPREAD)).clamp(min=0)


def likeness_factor(strange: float) -> float:
    """What a photo weighs by its `strangeness`, above 0 and at most 1: 1 up to 1.345, then 1.345 / strangeness.

    Reference: Huber, Robust Estimation of a Location Parameter (Ann. Math. Statist. 35, 1964).
    """
    return TURN / max(strange, TURN)
