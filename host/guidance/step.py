"""One guided step on its way through ComfyUI's sampler: what acts, what was found, and the gradients."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from comfy.model_management import throw_exception_if_processing_interrupted
from torch import Tensor

from ...models.port.attention import Run
from ...models.port.guidance import GradientGuidance, GuidedStep, NoiseLevels, Pull
from ..unet import keys

logger = logging.getLogger(__name__)

SCALES = (2.0**14, 2.0**10, 2.0**6)  # of energies in half precision; a smaller one where a gradient is too large
SAME = 1e-5  # relative; noise levels that are nearer are the same


@dataclass(eq=False, slots=True)
class Memory:
    """What one guidance keeps during a run.

    Attributes:
        count: evaluations of the model in which it was active.
        gradient: the last one; None where nobody was found or it was not finite.
        own: the guidance's own notes.
    """

    count: int = 0
    gradient: Tensor | None = None
    own: dict[Any, Any] = field(default_factory=dict)


@dataclass(eq=False, slots=True)
class Step:
    """A guided step.

    Attributes:
        run: the sampling run.
        active: guidances that act.
        due: those among them that take a new gradient.
        memories: of the active ones.
        is_open: whether the positive cond is still to come; nested calls of other packs find it closed.
        negative: the denoised latent of the negative side, or None.
        window: the pictures that are asked about just now, by their number in the run; None for all of them.
        count: of all pictures; counts only in a window.
    """

    run: Run
    active: tuple[GradientGuidance, ...]
    due: tuple[GradientGuidance, ...] = ()
    memories: dict[int, Memory] = field(default_factory=dict)
    is_open: bool = True
    negative: Tensor | None = None
    window: tuple[int, ...] | None = None
    count: int = 0
    _asked: set[tuple[int, ...]] = field(default_factory=set)
    _negatives: set[tuple[int, ...] | None] = field(default_factory=set)
    _pieces: dict[Any, Pieces] = field(default_factory=dict)

    @classmethod
    def begin(cls, key: str, run: Run | None, active: Sequence[GradientGuidance]) -> Step:
        """The step, counted in the memories of all that act."""
        run = run or Run()
        step = cls(run, tuple(active))
        due: list[GradientGuidance] = []
        for guidance in active:
            memory: Memory = run.remember((key, "memory", id(guidance)), Memory)
            if memory.count % guidance.every == 0:
                due.append(guidance)
            memory.count += 1
            step.memories[id(guidance)] = memory
        step.due = tuple(due)
        return step

    def enters(self, window: tuple[int, ...] | None, count: int) -> bool:
        """Whether the positive cond of all pictures, or of a window of them, is still to come; it counts as asked then.

        Args:
            window: numbers of its pictures; None where there are no windows.
            count: of all pictures.
        """
        is_new = self.is_open or (window is not None and bool(self._asked) and window not in self._asked)
        if is_new:
            self.is_open, self.window, self.count = False, window, count
            if window is not None:
                self._asked.add(window)
        return is_new

    def keep_negative(self, denoised: Tensor, window: tuple[int, ...] | None, count: int) -> None:
        """Take the first denoised latent of the negative side, whether or not the positive one was asked for with it.

        Args:
            denoised: of all pictures, or of the window's.
            window: see `enters`; what nested calls of other packs ask later about the same pictures does not count.
            count: see `enters`.
        """
        if not self._negatives or (window is not None and self._negatives.isdisjoint({window, None})):
            self._negatives.add(window)
            self.negative = self._whole("negative", denoised, window, count)

    def notes_of(self, guidance: GradientGuidance) -> dict[Any, Any]:
        """What a guidance keeps about the pictures that are asked about just now."""
        own = self.memories[id(guidance)].own
        return own if self.window is None else own.setdefault(("window", self.window), {})

    def _whole(self, key: Any, part: Tensor | None, window: tuple[int, ...] | None, count: int) -> Tensor | None:
        """All pictures, of what one window gave and those before it; without windows what was given."""
        if window is None:
            return part
        pieces = self._pieces.setdefault(key, Pieces(count))
        if part is not None:
            pieces.add(part, window)
        return pieces.mean()

    def correct(self, denoised: Tensor, levels: NoiseLevels) -> Tensor:
        """The denoised latent of the whole step, moved by everybody who has a gradient."""
        added = None if self.negative is None else denoised - self.negative
        for guidance in self.active:
            gradient = self.memories[id(guidance)].gradient
            if gradient is None or gradient.shape != denoised.shape:
                continue
            before = denoised
            denoised = guidance.correct(denoised, gradient.to(denoised), added, levels)
            if self.run.guidance_recorder is not None:
                self.run.guidance_recorder.correction(levels.current, before, denoised, added)
        return denoised

    def take_gradient(
        self, guidance: GradientGuidance, prepared: GradientGuidance, seen: GuidedStep, leaf: Tensor
    ) -> None:
        """Keep the gradient of a guidance, in half precision with smaller and smaller energies until it is finite."""
        memory = self.memories[id(guidance)]
        recorder = self.run.guidance_recorder
        pulls = prepared.pulls(seen)
        if recorder is not None:
            recorder.note(seen.sigma, pulls, seen.pictures)
        for scale in SCALES if seen.features.dtype == torch.float16 else (1.0,):
            gradient = gradient_of(pulls, leaf, scale)
            if gradient is None or is_finite(gradient):
                memory.gradient = self._whole(id(guidance), gradient, self.window, self.count)
                return
        memory.gradient = self._whole(id(guidance), None, self.window, self.count)
        logger.warning("%s: the gradient was not finite, this step is not guided", guidance.name)
        if recorder is not None:
            recorder.skipped += 1


def is_finite(gradient: Tensor) -> bool:
    """Whether all of a gradient are numbers."""
    return bool(torch.isfinite(gradient).all())


def gradient_of(pulls: Sequence[Pull], leaf: Tensor, scale: float) -> Tensor | None:
    """The sum of everybody's gradient inside their own mask, or None where nothing pulls; the graph stays.

    Args:
        pulls: with a graph to the leaf.
        leaf: the noisy latent.
        scale: that energies are multiplied with on the way, so that small gradients survive half precision.
    """
    total: Tensor | None = None
    for pull in pulls:
        if not pull.energy.requires_grad:
            continue
        throw_exception_if_processing_interrupted()
        [gradient] = torch.autograd.grad(pull.energy.sum() * scale, leaf, retain_graph=True)
        own = gradient.float() / scale * pull.mask
        total = own if total is None else total + own
    return total


def levels_of(sigma: float, options: dict[str, Any]) -> NoiseLevels:
    """Where the sampler stands: the next of its noise levels below this one."""
    sigmas = options.get(keys.SAMPLE_SIGMAS)
    below = [] if sigmas is None else [level for level in sigmas.tolist() if level < sigma * (1 - SAME)]
    return NoiseLevels(sigma, max(below, default=0.0))


class Pieces:
    """The mean of what windows of a batch gave, which may share pictures.

    Args:
        count: P, of all pictures.
    """

    def __init__(self, count: int) -> None:
        self._count = count
        self._total: Tensor | None = None
        self._times: Tensor | None = None

    @torch.inference_mode(False)  # what is added to must not be of it, whichever window comes first
    @torch.no_grad()
    def add(self, part: Tensor, pictures: Sequence[int]) -> None:
        """Take what one window gave, (B, …), and the numbers of its B pictures."""
        if self._total is None or self._times is None:
            self._total = torch.zeros(self._count, *part.shape[1:], dtype=part.dtype, device=part.device)
            self._times = torch.zeros(self._count, *(1 for _ in part.shape[1:]), dtype=part.dtype, device=part.device)
        places = torch.tensor(pictures, device=part.device)
        self._total.index_add_(0, places, part.clone())
        self._times.index_add_(0, places, torch.ones_like(self._times[: len(pictures)]))

    def mean(self) -> Tensor | None:
        """The whole, (P, …), 0 where no window has been; None before the first."""
        if self._total is None or self._times is None:
            return None
        return self._total / self._times.clamp(min=1)
