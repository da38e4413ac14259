"""What a sampling run tells the attention layers: its caches, its recorder and the polarity of every cond."""

from __future__ import annotations

import logging
from collections.abc import Callable, Generator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from functools import cache
from typing import Any

from comfy.model_patcher import ModelPatcher
from comfy.patcher_extension import WrappersMP
from torch import Tensor

from ...models.errors import MissingRecordingError
from ...models.placement.windows import SigmaWindow
from ...models.port.attention import Run
from ...models.records.archive import REMEMBERED_RUNS, RunArchive, RunRecord
from ...models.records.guidance import GuidanceHistory, GuidanceRecord
from ...models.records.placements import PlacementMaps, PlacementRecord
from ..events import is_queued
from ..unet import keys
from ..unet.options import with_transformer_options
from ..unet.tiles import StepLatents
from .conds import conds_by_uuid, texts_by_uuid
from .delayed_conditioning import settle
from .live import tell, told
from .looks import RunLooks

logger = logging.getLogger(__name__)

LATENT_PLACE, SIGMAS_PLACE = 1, 3  # outer_sample(noise, latent_image, sampler, sigmas, ...)
ROUTING_MAP_NODE = "LikenessShowRoutingMap"
GUIDANCE_NODE = "LikenessShowGuidance"


def follow_runs(model: ModelPatcher) -> None:
    """Make a clone's sampling runs known to its attention layers, once however often this is called.

    The clone remembers none of the runs of the MODEL that it was made of.
    """
    for kind, wrapper in ((WrappersMP.OUTER_SAMPLE, _outer_sample), (WrappersMP.PREDICT_NOISE, _predict_noise)):
        if keys.RUNS not in model.wrappers.get(kind, {}):
            model.add_wrapper_with_key(kind, keys.RUNS, wrapper)
    model.set_attachments(keys.RECORDS, RunArchive())


def find_placement_maps(model: ModelPatcher, latent: Tensor) -> PlacementMaps:
    """Where people were placed in the run that gave a latent.

    Raises:
        MissingRecordingError: if nothing of ours was applied to the MODEL, or the run is not remembered.
    """
    nobody = "Nobody was applied to this model, so nothing was routed: connect the MODEL output of Apply UniPortrait."
    archive = _archive(model, nobody)
    maps = archive.find(latent).placements
    if maps is None:
        raise MissingRecordingError(_unknown(archive, "routing", "Show Routing Map"))
    return maps


def find_guidance_history(model: ModelPatcher, latent: Tensor) -> GuidanceHistory:
    """How people were pulled in the run that gave a latent.

    Raises:
        MissingRecordingError: if nobody guides the MODEL, or the run is not remembered.
    """
    nobody = "Nobody is pulled in this model: connect the MODEL output of Apply Reference-Based Guidance."
    archive = _archive(model, nobody)
    history = archive.find(latent).guidance
    if history is None:
        raise MissingRecordingError(_unknown(archive, "guidance", "Show Guidance"))
    return history


def _archive(model: ModelPatcher, nobody: str) -> RunArchive:
    archive: RunArchive | None = model.get_attachment(keys.RECORDS)
    if archive is None:
        raise MissingRecordingError(nobody)
    return archive


def _unknown(archive: RunArchive, what: str, node: str) -> str:
    return (
        f"No {what} was recorded for this latent (this model remembers {len(archive.kept)} of its last {REMEMBERED_RUNS} "
        "runs): connect the sampler's own MODEL and its unchanged LATENT output, and if the picture was sampled before "
        f"{node} was in the graph, change the seed and queue again."
    )


def _outer_sample(executor: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    guider = executor.class_obj  # type: ignore[attr-defined]
    archive: RunArchive | None = guider.model_patcher.get_attachment(keys.RECORDS)
    placements = PlacementRecord() if archive is not None and is_queued(ROUTING_MAP_NODE) else None
    sigmas = kwargs["sigmas"] if "sigmas" in kwargs else args[SIGMAS_PLACE]
    levels = tuple(float(sigma) for sigma in sigmas)
    guidance = GuidanceRecord(levels=levels) if archive is not None and is_queued(GUIDANCE_NODE) else None
    run = Run(recorder=placements, guidance_recorder=guidance)
    options = guider.model_options.setdefault(keys.TRANSFORMER_OPTIONS, {})
    options[keys.RUN] = run
    level = schedule_of(guider.model_patcher)
    settle(guider.conds, levels, level)
    looks = RunLooks.of(guider.model_patcher, run)
    looks.begin(guider.conds, kwargs.get("latent_image", args[LATENT_PLACE]), archive)
    try:
        with scheduled(level), told(run, levels, placements, guidance, (ROUTING_MAP_NODE, GUIDANCE_NODE)):
            latent = executor(*args, **kwargs)
        seen = looks.end(len(latent))
    finally:
        options.pop(keys.RUN, None)
        run.memo.clear()
        run.found.clear()
    if archive is not None:
        maps = placements and placements.maps(seen.missing, seen.words)
        archive.file(latent, RunRecord(maps, guidance and guidance.history(), seen.found))
    return latent


def _predict_noise(
    executor: Callable[..., Any], x: Any, timestep: Any, model_options: dict[str, Any] | None = None, *args: Any
) -> Any:
    guider = executor.class_obj  # type: ignore[attr-defined]
    known = conds_by_uuid(guider.conds, tuple(x.shape[-2:]))
    step = StepLatents(x, timestep, guider.inner_model.model_sampling, texts_by_uuid(guider.conds))
    options = with_transformer_options(model_options, {keys.CONDS: known, keys.STEP: step})
    denoised = executor(x, timestep, options, *args)
    tell(options[keys.TRANSFORMER_OPTIONS].get(keys.RUN))
    return denoised


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
