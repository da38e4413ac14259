"""Delayed conditioning: one prompt for the first part of a run and another for the rest."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from torch import Tensor

from ...models.errors import require_range
from ...models.placement.windows import beside, merge_boundary
from ..unet import keys

NEVER = {"start_percent": 1.0}  # what a sampler that knows nothing of us makes of the text-only phase
LIMITS = ("start_percent", "end_percent", "clip_start_percent", "clip_end_percent")  # of a CONDITIONING's entry

Conditioning = list[list[Any]]  # ComfyUI's CONDITIONING: pairs of a tensor and a dict


@dataclass(frozen=True, eq=False, slots=True)
class EncodedText:
    """Both sides of a prompt.

    Attributes:
        positive, negative: CONDITIONING.
        text: the positive prompt as it was assembled, with its markers.
    """

    positive: Conditioning
    negative: Conditioning
    text: str


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
    """What `join_phases` notes in an entry.

    Attributes:
        point: when the phases change.
        merged: whether this is the later one.
        written: start and end as we set them, to tell them from those of a node after ours.
    """

    point: MergePoint
    merged: bool
    written: dict[str, float]


def join_phases(text_only: Conditioning, merged: Conditioning, point: MergePoint) -> Conditioning:
    """Return a prompt that changes during the run.

    The noise levels are known only when a run begins: a MODEL with one of our adapters sets them then, so that no step
    reads both. For any other MODEL the percent is ComfyUI's own start and end, which every sampler knows; by step it sees
    the merged prompt alone.

    Args:
        text_only: for the beginning.
        merged: from the merge point on.
        point: when.
    """
    if point.at_once:
        return merged
    by_percent = point.step is None
    before: dict[str, float] = {"end_percent": point.percent} if by_percent else NEVER
    after: dict[str, float] = {"start_percent": point.percent} if by_percent else {}
    early, late = _Phase(point, False, before), _Phase(point, True, after)
    return [
        *with_options(text_only, {keys.MERGE: early, **before}),
        *with_options(merged, {keys.MERGE: late, **after}),
    ]


def with_options(entries: Conditioning, added: dict[str, Any]) -> Conditioning:
    """CONDITIONING with options added to every entry; the given one stays as it is."""
    return [[tensor, {**options, **added}] for tensor, options in entries]


def settle(
    conds: dict[str, list[dict[str, Any]]],
    sigmas: Tensor | Sequence[float],
    percent_to_sigma: Callable[[float], float],
) -> None:
    """Give the phases of a run that begins their noise levels.

    Args:
        conds: the guider's own copies, by name; changed in place.
        sigmas: noise levels of the run, from high to low, one more than there are steps.
        percent_to_sigma: of the model's schedule.
    """
    levels = [float(sigma) for sigma in sigmas]
    for entries in conds.values():
        for entry in entries or ():
            phase: _Phase | None = entry.get(keys.MERGE)
            if phase is not None:
                _settle(entry, phase, levels, percent_to_sigma)


def _settle(
    entry: dict[str, Any], phase: _Phase, levels: Sequence[float], percent_to_sigma: Callable[[float], float]
) -> None:
    """The phase's noise levels, within what other nodes and the schedule of CLIP's hooks leave of the run."""
    point = phase.point
    if point.step is None:
        last_text, first_merged = beside(percent_to_sigma(point.percent))
    else:
        last_text, first_merged = merge_boundary(levels, point.step, inclusive=point.inclusive)
    start, end = (first_merged, 0.0) if phase.merged else (math.inf, last_text)
    others = {name: entry.pop(name) for name in LIMITS if name in entry and entry[name] != phase.written.get(name)}
    for name in phase.written:
        entry.pop(name, None)
    for name, percent in others.items():
        if name.endswith("start_percent"):
            start = min(start, percent_to_sigma(percent))
        else:
            end = max(end, percent_to_sigma(percent))
    entry["timestep_start"], entry["timestep_end"] = start, end
