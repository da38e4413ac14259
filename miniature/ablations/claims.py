"""What a paper claims, as something that pictures can show or not."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, Protocol

from ...evaluation.bootstrap import Estimate, difference
from .judging import Values

LEEWAY = 0.03  # what "not lower" allows an interval that holds 0
HOLDS, REFUTED, UNDECIDED = "holds", "does not hold here", "undecided"

Expected = Literal["higher", "lower", "not lower", "about the same"]


class Statement(Protocol):
    """Something that pictures of some arms show or not; `Claim` is the common one."""

    @property
    def difference(self) -> str:
        """Words for the number that is looked at."""
        ...

    @property
    def demand(self) -> str:
        """Words for what is expected of it."""
        ...

    @property
    def why(self) -> str:
        """What is likely other here than in the paper, for where it does not hold."""
        ...

    def test(self, values: Mapping[str, Values]) -> tuple[Estimate, str]:
        """The number with its interval, and whether it "holds", "does not hold here" or is "undecided"."""
        ...


@dataclass(frozen=True, slots=True)
class Claim:
    """Something that has to be seen in the pictures of two arms.

    Attributes:
        metric: of the arms' values.
        arm, other: names; the claim is about `arm` minus `other`.
        expected: what has to be true of the difference.
        by: at least how much higher or lower; for "about the same", at most.
        times: what the arm's values are multiplied with first: 3 asks whether they are lower even threefold.
        why: what is likely other here than in the paper, for where the claim does not hold.
    """

    metric: str
    arm: str
    other: str
    expected: Expected
    by: float = 0.0
    times: float = 1.0
    why: str = ""

    @property
    def difference(self) -> str:
        """Words for what is taken from what."""
        factor = "" if self.times == 1 else f"{self.times:g} times "
        return f"{self.metric}: {factor}{self.arm} minus {self.other}"

    @property
    def demand(self) -> str:
        """Words for what is expected."""
        if self.expected == "about the same":
            return f"within ±{self.by:g}"
        return f"{self.expected} by at least {self.by:g}" if self.by else self.expected

    def test(self, values: Mapping[str, Values]) -> tuple[Estimate, str]:
        """Return the paired difference, and whether it "holds", "does not hold here" or is "undecided".

        It holds where the whole interval lies on the expected side, does not where it lies on the other, and is undecided where
        the border lies inside. "not lower" also holds where 0 lies inside and nothing is lower than what is allowed. Where one
        of the arms has fewer pictures, only these count.
        """
        own, others = values[self.arm][self.metric], values[self.other][self.metric]
        both = min(len(own), len(others))
        found = difference([self.times * value for value in own[:both]], others[:both])
        low, high = found.low, found.high
        if self.expected == "about the same":
            is_true, is_false = -self.by < low and high < self.by, low > self.by or high < -self.by
            return found, HOLDS if is_true else REFUTED if is_false else UNDECIDED
        if self.expected == "lower":
            low, high = -high, -low
        if high < self.by:
            return found, REFUTED
        least = -LEEWAY if self.expected == "not lower" else self.by
        return found, HOLDS if low > least else UNDECIDED


@dataclass(frozen=True, slots=True)
class Experiment:
    """One experiment: arms, and what has to be seen in them.

    Attributes:
        name: U1 to U6, O1 to O8, F1 to F6.
        claim: in words, with where the paper says so.
        people: in a picture.
        arms: names of those that take part.
        claims: what has to be seen; none only reports.
        metrics: what its table shows.
    """

    name: str
    claim: str
    people: int
    arms: tuple[str, ...]
    claims: tuple[Statement, ...]
    metrics: tuple[str, ...]
