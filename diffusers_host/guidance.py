"""The port of `models/port/guidance.py` on diffusers: guidance by gradients for pictures that differ in who is in them."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

from ..models.port.guidance import GradientGuidance, GuidedStep, NoiseLevels, Pull
from ..models.port.word_attention import WordAttention
from ..models.records.guidance import GuidanceRecord
from .feature_capture import capture_features
from .prompted import Prompted
from .reference_features import Attached, ReferenceReader
from .word_attention import note_attention


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class Guided:
    """How pictures are guided.

    Attributes:
        rows: the guidance of every picture; they differ in people and masks alone.
        words: places in the text that stand for the people of every picture, (B, N); needed where masks are made of
            attention.
        record: takes notes; None where nobody asks.
    """

    rows: tuple[GradientGuidance, ...]
    words: Tensor | None = None
    record: GuidanceRecord | None = None


@dataclass(eq=False, slots=True)
class GuidedRun:
    """One sampling run.

    Attributes:
        prompted: the UNet.
        guided: how.
        scale: of classifier-free guidance.
        attached: what else changes the UNet.
    """

    prompted: Prompted
    guided: Guided
    scale: float
    attached: tuple[object, ...] = ()
    _ready: tuple[GradientGuidance, ...] | None = field(init=False, default=None)
    _memories: list[dict[Hashable, Any]] = field(init=False, default_factory=list)
    _count: int = field(init=False, default=0)
    _gradient: Tensor | None = field(init=False, default=None)
    _added: Tensor | None = field(init=False, default=None)

    def is_active(self, sigma: float) -> bool:
        """Whether a step is guided."""
        return self.guided.rows[0].is_active(sigma)

    def velocities(self, latents: Tensor, timestep: int, sigma: float) -> tuple[Tensor, Tensor]:
        """As `Prompted.both`, each side by itself, the positive one with a graph where a new gradient is due."""
        away = self.prompted.negative(latents, timestep, sigma)
        if self._count % self.guided.rows[0].every == 0:
            towards = self._with_gradient(latents, timestep, sigma)
        else:
            towards = self.prompted.positive(latents, timestep, sigma)
        self._count += 1
        unguided = self.scale == 1  # ComfyUI does not ask for the negative side then
        self._added = None if unguided else -(sigma / (sigma**2 + 1) ** 0.5) * self.scale * (towards - away)
        return away, towards

    def correct(self, denoised: Tensor, levels: NoiseLevels) -> Tensor:
        """The denoised latent of a step, moved where the step is guided."""
        guidance = self.guided.rows[0]
        if self._gradient is None or not self.is_active(levels.current):
            return denoised
        moved = guidance.correct(denoised, self._gradient, self._added, levels)
        if self.guided.record is not None:
            self.guided.record.correction(levels.current, denoised, moved, self._added)
        return moved

    def _with_gradient(self, latents: Tensor, timestep: int, sigma: float) -> Tensor:
        """The positive side; keeps the gradient of everybody's energies in the noisy latent, inside their masks."""
        ready = self._prepare()
        size = (sigma**2 + 1) ** 0.5
        leaf = latents.detach().clone().requires_grad_(True)
        with torch.enable_grad():
            towards, features, attention = self._positive(ready[0], leaf, timestep, sigma)
            denoised = (latents / size - towards * sigma / size) / self.prompted.base.latent_scale
            steps = [
                GuidedStep(
                    features=features[row : row + 1],
                    size=(latents.shape[-2], latents.shape[-1]),
                    sigma=sigma,
                    denoised=denoised[row : row + 1],
                    attention=None if attention is None else attention.row(row),
                    memory=memory,
                )
                for row, memory in enumerate(self._memories)
            ]
            pulls = join_pulls([guidance.pulls(step) for guidance, step in zip(ready, steps, strict=True)])
            gradient = gradient_of(pulls, leaf)
        self._gradient = (
            None if gradient is None else gradient / size
        )  # of the latent before it was scaled for the UNet
        if self.guided.record is not None:
            self.guided.record.note(sigma, pulls)
        return towards

    def _positive(
        self, guidance: GradientGuidance, leaf: Tensor, timestep: int, sigma: float
    ) -> tuple[Tensor, Tensor, WordAttention | None]:
        """Return velocities without a graph, the captured features with one, and attention to the words where it is asked for."""
        unet, words = self.prompted.base.unet, self.guided.words
        if not guidance.wants_attention or words is None:
            with capture_features(unet, guidance.capture) as captured:
                towards = self.prompted.positive(leaf, timestep, sigma)
            return towards.detach(), captured.features, None
        with (
            capture_features(unet, guidance.capture) as captured,
            note_attention(unet, words, (leaf.shape[-2], leaf.shape[-1])) as notes,
        ):
            towards = self.prompted.positive(leaf, timestep, sigma)
        return towards.detach(), captured.features, notes.collect()

    def _prepare(self) -> tuple[GradientGuidance, ...]:
        if self._ready is None:
            attached = tuple(map(Attached, self.attached))
            self._ready = tuple(
                guidance.prepare(ReferenceReader(self.prompted, row, guidance.capture, attached))
                for row, guidance in enumerate(self.guided.rows)
            )
            self._memories = [{} for _ in self._ready]
        return self._ready


def join_pulls(rows: Sequence[Sequence[Pull]]) -> list[Pull]:
    """The pulls of all pictures as one pull per person: pictures do not see each other, so one backward serves all."""
    return [
        Pull(
            parts[0].name,
            torch.cat([part.energy for part in parts]),
            torch.cat([part.mask for part in parts]),
            torch.cat([part.likeness for part in parts]),
        )
        for parts in zip(*rows, strict=True)
    ]


def gradient_of(pulls: Sequence[Pull], leaf: Tensor) -> Tensor | None:
    """The sum of everybody's gradient inside their own mask, of the leaf's shape; None where nothing pulls."""
    found = [
        torch.autograd.grad(pull.energy.sum(), leaf, retain_graph=True)[0] * pull.mask
        for pull in pulls
        if pull.energy.requires_grad
    ]
    return torch.stack(found).sum(0) if found else None
