"""What a sweep is expected to show: that something rises or falls along it, or which of two things prevails at one of its ends."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np

from ....evaluation.bootstrap import LEVEL, SEED, Estimate, estimate
from ..claims import HOLDS, REFUTED, UNDECIDED
from ..judging import Values

RESAMPLES = 2000
LEAST = 0.9  # of Spearman's coefficient of five levels: one pair of neighbours may have changed places


@dataclass(frozen=True, slots=True)
class Trend:
    """A metric that rises or falls along a sweep.

    Attributes:
        metric: of the arms' values.
        arms: names in the order of the sweep.
        expected: which way the means go.
        why: see `Claim`.
    """

    metric: str
    arms: tuple[str, ...]
    expected: Literal["rises", "falls"]
    why: str = ""

    @property
    def difference(self) -> str:
        """Words for the number."""
        first, second, *_, last = self.arms
        return f"{self.metric}: Spearman's coefficient from {first} by {second} to {last}"

    @property
    def demand(self) -> str:
        """Words for what is expected."""
        return f"at least {LEAST:g}" if self.expected == "rises" else f"at most -{LEAST:g}"

    def test(self, values: Mapping[str, Values]) -> tuple[Estimate, str]:
        """The coefficient of the means with an interval over pictures that all arms have, and the verdict.

        It holds where the coefficient and its whole interval are large enough, does not where the whole interval is too small, and is
        undecided otherwise.
        """
        found = self.coefficient(values)
        low, high = (found.low, found.high) if self.expected == "rises" else (-found.high, -found.low)
        return found, HOLDS if low >= LEAST else REFUTED if high < LEAST else UNDECIDED

    def coefficient(self, values: Mapping[str, Values]) -> Estimate:
        """Spearman's coefficient of the means over levels, with a percentile bootstrap interval over pictures."""
        columns = [values[arm][self.metric] for arm in self.arms]
        count = min(map(len, columns))
        table = np.array([column[:count] for column in columns], np.float64)
        table = table[:, ~np.isnan(table).any(0)]
        if not table.size:
            return Estimate(float("nan"), float("nan"), float("nan"))
        picks = np.random.default_rng(SEED).integers(table.shape[1], size=(RESAMPLES, table.shape[1]))
        drawn = [_spearman(table[:, pick].mean(1)) for pick in picks]
        low, high = np.percentile(drawn, [50 - LEVEL / 2, 50 + LEVEL / 2])
        return Estimate(_spearman(table.mean(1)), float(low), float(high))


@dataclass(frozen=True, slots=True)
class Side:
    """A metric of one arm that lies above or below 0.

    Attributes:
        metric: of the arm's values.
        arm: its name.
        expected: on which side.
        why: see `Claim`.
    """

    metric: str
    arm: str
    expected: Literal["above 0", "below 0"]
    why: str = ""

    @property
    def difference(self) -> str:
        """Words for the number."""
        return f"{self.metric}: {self.arm}"

    @property
    def demand(self) -> str:
        """Words for what is expected."""
        return self.expected

    def test(self, values: Mapping[str, Values]) -> tuple[Estimate, str]:
        """The mean, and the verdict by its interval."""
        found = estimate(values[self.arm][self.metric])
        low, high = (found.low, found.high) if self.expected == "above 0" else (-found.high, -found.low)
        return found, HOLDS if low > 0 else REFUTED if high < 0 else UNDECIDED


def _spearman(means: np.ndarray) -> float:
    """Spearman's coefficient of means against their order; equal ones share a rank, and all of them equal give 0."""
    ranks = _ranks(means)
    if np.ptp(ranks) == 0:
        return 0.0
    return round(float(np.corrcoef(np.arange(len(means)), ranks)[0, 1]), 9)


def _ranks(means: np.ndarray) -> np.ndarray:
    """Ranks from 0; equal values share their mean rank."""
    return (means[:, None] > means).sum(1) + ((means[:, None] == means).sum(1) - 1) / 2
