"""Means with intervals."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

RESAMPLES = 10_000
SEED = 0
LEVEL = 95  # per cent


@dataclass(frozen=True, slots=True)
class Estimate:
    """A mean.

    Attributes:
        mean: of all values.
        low, high: the bootstrap interval of 95 %.
    """

    mean: float
    low: float
    high: float

    def __str__(self) -> str:
        mean, low, high = (
            round(value, 3) + 0.0 for value in (self.mean, self.low, self.high)
        )  # no minus before a zero
        return f"{mean:.3f} [{low:.3f}, {high:.3f}]"


def estimate(values: Sequence[float]) -> Estimate:
    """The mean of values, NaN left out, with a percentile bootstrap interval; the same for the same values.

    Reference: Efron, "Bootstrap methods: another look at the jackknife", 1979.
    """
    known = _known(values)
    if not len(known):
        return Estimate(float("nan"), float("nan"), float("nan"))
    picks = np.random.default_rng(SEED).integers(len(known), size=(RESAMPLES, len(known)))
    low, high = np.percentile(known[picks].mean(1), [50 - LEVEL / 2, 50 + LEVEL / 2])
    return Estimate(float(known.mean()), float(low), float(high))


def difference(values: Sequence[float], others: Sequence[float]) -> Estimate:
    """The mean of paired differences, `values` minus `others`; pairs with a NaN are left out."""
    return estimate([value - other for value, other in zip(values, others, strict=True)])


def mean(values: Sequence[float]) -> float:
    """The mean of values, NaN left out; NaN where there is none."""
    known = _known(values)
    return float(known.mean()) if len(known) else float("nan")


def _known(values: Sequence[float]) -> np.ndarray:
    return np.array([value for value in values if value == value], np.float64)
