"""Delayed merging: one prompt for the first part of a run and another for the rest."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from torch import Tensor

from ..models.errors import require_range
from ..models.schedule import merge_boundary

MERGE_KEY = "likeness.merge"
NEVER = {"start_percent": 1.0}  # what a sampler that knows nothing of us makes of the text-only phase

Conditioning = list[list[Any]]  # ComfyUI's CONDITIONING: pairs of a tensor and a dict


@dataclass(frozen=True, slots=True, kw_only=True)
class MergePoint:
    """When the faces are merged into the prompt.

    Attributes:
        percent: fraction of the schedule from which they are, 0-1; counts only without `step`.
        step: the reference's `start_merge_step`, counted from 0, or None.
        inclusive: whether that step itself still reads the text alone (the published `<=`).
    """

    percent: float = 0.0
    step: int | None = None
    inclusive: bool = True

    def __post_init__(self) -> None:
        require_range("start_percent", self.percent, 1)

    @property
    def at_once(self) -> bool:
        """Whether there is no text-only phase."""
        if self.step is None:
            return self.percent <= 0
        return self.step < (0 if self.inclusive else 1)


@dataclass(frozen=True, slots=True)
class _Phase:
    step: int
    inclusive: bool
    merged: bool


def phases(text_only: Conditioning, merged: Conditioning, point: MergePoint) -> Conditioning:
    """A prompt that changes during the run.

    By percent it is ComfyUI's own start and end, which every sampler knows. By step the noise levels are known only when
    a run begins: a MODEL with one of our adapters sets them then; any other MODEL sees the merged prompt alone.

    Args:
        text_only: for the beginning.
        merged: from the merge point on.
        point: when.
    """
    if point.at_once:
        return merged
    if point.step is None:
        before, after = {"end_percent": point.percent}, {"start_percent": point.percent}
    else:
        before = {MERGE_KEY: _Phase(point.step, point.inclusive, merged=False), **NEVER}
        after = {MERGE_KEY: _Phase(point.step, point.inclusive, merged=True)}
    return [
        *([tensor, {**options, **before}] for tensor, options in text_only),
        *([tensor, {**options, **after}] for tensor, options in merged),
    ]


def settle(conds: dict[str, list[dict[str, Any]]], sigmas: Tensor | Sequence[float]) -> None:
    """Give the phases of a run that begins their noise levels.

    Args:
        conds: the guider's own copies, by name; changed in place.
        sigmas: noise levels of the run, from high to low, one more than there are steps.
    """
    levels = [float(sigma) for sigma in sigmas]
    for entries in conds.values():
        for entry in entries or ():
            phase: _Phase | None = entry.get(MERGE_KEY)
            if phase is None:
                continue
            last_text, first_merged = merge_boundary(levels, phase.step, inclusive=phase.inclusive)
            entry.pop("start_percent", None)
            entry["timestep_start" if phase.merged else "timestep_end"] = first_merged if phase.merged else last_text
