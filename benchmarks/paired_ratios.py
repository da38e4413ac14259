"""Ratios of two durations measured side by side, and how sure their median is."""

from __future__ import annotations

import random
import statistics
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from time import perf_counter

RESAMPLES = 10_000
CONFIDENCE = 0.95


@dataclass(frozen=True, slots=True)
class Ratio:
    """A median of paired ratios with its bootstrap interval."""

    median: float
    low: float
    high: float

    def __str__(self) -> str:
        low, high = (f"{100 * (bound - 1):+.2f}" for bound in (self.low, self.high))
        return f"{100 * (self.median - 1):+6.2f} %  [{low}, {high}]"


def measure(
    calls: Mapping[str, Callable[[], object]],
    rounds: int,
    warm_up: int,
    seed: int,
    clock: Callable[[], float] = perf_counter,
) -> dict[str, list[float]]:
    """Time calls in rounds, each call once per round, the order within a round random.

    Args:
        calls: by name.
        rounds: that count.
        warm_up: rounds before these.
        seed: of the order.
        clock: gives seconds.

    Returns:
        Seconds of every call, one entry per round after the warm-up; entries of one round belong together.
    """
    order = random.Random(seed)
    seconds: dict[str, list[float]] = {name: [] for name in calls}
    for number in range(warm_up + rounds):
        for name in order.sample(list(calls), len(calls)):
            start = clock()
            calls[name]()
            if number >= warm_up:
                seconds[name].append(clock() - start)
    return seconds


def compare(seconds: Sequence[float], plain: Sequence[float], seed: int = 0) -> Ratio:
    """Median of the ratios of paired durations, with a percentile bootstrap interval of 95 %."""
    return Ratio(*median_of([mine / other for mine, other in zip(seconds, plain, strict=True)], seed))


def median_of(values: Sequence[float], seed: int = 0) -> tuple[float, float, float]:
    """The median of some values, and the bounds of its percentile bootstrap interval of 95 %."""
    chooser = random.Random(seed)
    medians = sorted(statistics.median(chooser.choices(values, k=len(values))) for _ in range(RESAMPLES))
    cut = round((1 - CONFIDENCE) / 2 * RESAMPLES)
    return statistics.median(values), medians[cut], medians[-cut - 1]
