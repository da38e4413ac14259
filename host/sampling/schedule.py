"""Shares of a run's schedule as noise levels: known when a run begins, for a node after Apply may change the schedule."""

from __future__ import annotations

from collections.abc import Callable, Generator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from functools import cache

from comfy.model_patcher import ModelPatcher

from ...models.placement.windows import SigmaWindow

_running: ContextVar[Callable[[float], float] | None] = ContextVar("likeness.schedule", default=None)


@dataclass(frozen=True, slots=True, kw_only=True)
class ScheduledWindow(SigmaWindow):
    """A window between two shares of the schedule of whichever run asks.

    Attributes:
        start: its noise level in the schedule of the MODEL that it was made for; counts outside of runs.
        end: likewise.
        start_percent: share of the schedule from which it is on, 0 (pure noise) to 1.
        end_percent: share until which it is.
    """

    start_percent: float
    end_percent: float

    def contains(self, sigma: float) -> bool:
        """Whether the effect is on at this noise level of the run."""
        level = _running.get()
        if level is None:
            return self.end <= sigma <= self.start
        return level(self.end_percent) <= sigma <= level(self.start_percent)


def sigma_window(model: ModelPatcher, start_percent: float, end_percent: float) -> SigmaWindow:
    """The noise levels between two fractions of the schedule (0 is pure noise, 1 the finished picture)."""
    level = schedule_of(model)
    return ScheduledWindow(
        start=level(start_percent), end=level(end_percent), start_percent=start_percent, end_percent=end_percent
    )


def schedule_of(model: ModelPatcher) -> Callable[[float], float]:
    """The noise level at a share of a MODEL's schedule, 0–1; each is asked of ComfyUI once."""
    sampling = model.get_model_object("model_sampling")
    return cache(lambda percent: float(sampling.percent_to_sigma(percent)))


@contextmanager
def scheduled(level: Callable[[float], float]) -> Generator[None, None, None]:
    """While it lasts, windows are those of one run's schedule."""
    token = _running.set(level)
    try:
        yield
    finally:
        _running.reset(token)
