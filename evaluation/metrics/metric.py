"""The port for everything that is measured in pictures."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Generic, Protocol, TypeVar

import numpy as np

from ..protocol.sections import MetricConfig
from .networks import Networks

Config = TypeVar("Config", bound=MetricConfig)
VALUE = "value"  # what a metric is about; whatever else it says has a name of its own


@dataclass(frozen=True, eq=False, slots=True)
class Shown:
    """A picture, and what it should show.

    Attributes:
        picture: (H, W, 3) uint8 RGB.
        prompt: what it shows.
        photos: of every person in it, (H, W, 3) uint8 RGB each; at least one of everybody.
    """

    picture: np.ndarray
    prompt: str
    photos: tuple[tuple[np.ndarray, ...], ...]


class Metric(Protocol):
    """Measures."""

    @property
    def key(self) -> str:
        """Names weights and settings: two metrics with one key give the same values."""
        ...

    def measure(self, shown: Shown) -> Mapping[str, float]:
        """What one picture is worth: `VALUE`, and what else there is to say.

        NaN where a picture says nothing, such as how alike two people are where one is seen.
        """
        ...


class SetMetric(Protocol):
    """Measures pictures all together."""

    @property
    def key(self) -> str:
        """See `Metric`."""
        ...

    def measure_all(self, pictures: Iterable[np.ndarray], photos: Iterable[np.ndarray]) -> Mapping[str, float]:
        """What the pictures of a whole run are worth beside the photos of everybody; (H, W, 3) uint8 RGB each."""
        ...


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class MetricKind(Generic[Config]):
    """A kind of metric as protocols choose it.

    Attributes:
        section: what it lets users choose.
        make: from that, and networks that look at faces, to what measures.
        better: "higher" or "lower" values, or what tells it of the metric.
        is_of_set: whether it makes a `SetMetric`.
        most_people: in a picture; None for any number.
        by_recogniser: whether a paper's number is comparable only with the same recogniser.
    """

    section: type[Config]
    make: Callable[[Config, Networks], Metric | SetMetric]
    better: str | Callable[[Any], str] = "higher"
    is_of_set: bool = False
    most_people: int | None = None
    by_recogniser: bool = False

    def better_of(self, metric: Metric | SetMetric) -> str:
        """Which values of a metric of this kind are better."""
        return self.better if isinstance(self.better, str) else self.better(metric)
