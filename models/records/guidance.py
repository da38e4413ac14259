"""What guidances did during a run: how alike the faces were at every step, and where they were taken to be."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

from ..port.guidance import Pull


@dataclass(frozen=True, slots=True)
class GuidanceEntry:
    """One person at one evaluation of the model that had a gradient of its own.

    Attributes:
        sigma: noise level, VE.
        name: whose face.
        likeness: of every picture, 0–1; NaN where nobody was found.
    """

    sigma: float
    name: str
    likeness: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Correction:
    """What one guidance did at one evaluation.

    Attributes:
        sigma: noise level, VE.
        share: how far the denoised latent was moved, over what classifier-free guidance did there; NaN without that.
    """

    sigma: float
    share: float


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class GuidanceHistory:
    """How people were pulled in one run.

    Attributes:
        entries: in the order of the run.
        corrections: likewise.
        masks: where each person was at the last guided step, (B, H, W) float32 on the CPU, 0–1.
        skipped: evaluations whose gradient was not finite.
        levels: noise levels of the whole run, from its first step on, one more than there are steps; empty where nobody said.
    """

    entries: tuple[GuidanceEntry, ...]
    corrections: tuple[Correction, ...]
    masks: dict[str, Tensor]
    skipped: int
    levels: tuple[float, ...] = ()

    @property
    def names(self) -> tuple[str, ...]:
        """Everybody, in the order of their first appearance."""
        return tuple(self.masks)

    def curve(self, name: str) -> list[tuple[float, float]]:
        """Noise level and mean similarity of somebody, in the order of the run; NaN where nobody was found."""
        return [(entry.sigma, _mean(entry.likeness)) for entry in self.entries if entry.name == name]

    def numbers(self) -> dict[str, Any]:
        """Everything but the masks, for JSON: null in place of NaN."""
        people = {
            name: [{"sigma": sigma, "similarity": _known(value)} for sigma, value in self.curve(name)]
            for name in self.names
        }
        moved = [{"sigma": each.sigma, "share": _known(each.share)} for each in self.corrections]
        return {"people": people, "corrections": moved, "skipped": self.skipped}


@dataclass(eq=False, slots=True)
class GuidanceRecord:
    """Takes notes during a run; see `GuidanceHistory`."""

    entries: list[GuidanceEntry] = field(default_factory=list)
    corrections: list[Correction] = field(default_factory=list)
    masks: dict[str, Tensor] = field(default_factory=dict)
    skipped: int = 0
    levels: tuple[float, ...] = ()

    def note(self, sigma: float, pulls: Sequence[Pull], pictures: Sequence[int] | None = None) -> None:
        """Take everybody's similarity and mask, of all pictures or of those with some numbers."""
        for pull in pulls:
            likeness, masks = pull.likeness.float().cpu(), pull.mask[:, 0].detach().float().cpu()
            if pictures is None:
                self.entries.append(GuidanceEntry(sigma, pull.name, tuple(likeness.tolist())))
                self.masks[pull.name] = masks
            else:
                self._put(sigma, pull.name, pictures, likeness, masks.expand(len(pictures), -1, -1))

    def _put(self, sigma: float, name: str, pictures: Sequence[int], likeness: Tensor, masks: Tensor) -> None:
        """Add some pictures to the entry of somebody at a noise level, and to their masks."""
        same = [n for n, entry in enumerate(self.entries) if (entry.sigma, entry.name) == (sigma, name)]
        known = list(self.entries.pop(same[-1]).likeness) if same else []
        known += [math.nan] * (max(pictures) + 1 - len(known))
        kept = self.masks.get(name, masks.new_zeros(0, *masks.shape[1:]))
        whole = torch.cat([kept, masks.new_zeros(max(len(known) - len(kept), 0), *masks.shape[1:])])
        for row, picture in enumerate(pictures):
            known[picture], whole[picture] = float(likeness[row]), masks[row]
        self.entries.append(GuidanceEntry(sigma, name, tuple(known)))
        self.masks[name] = whole

    def correction(self, sigma: float, before: Tensor, after: Tensor, added: Tensor | None) -> None:
        """Take how far the denoised latent (B, C, H, W) was moved, and what classifier-free guidance had added to it."""
        moved = (after - before).float()
        if added is None:
            self.corrections.append(Correction(sigma, math.nan))
            return
        whole = (added.float() * (moved != 0)).norm()
        self.corrections.append(Correction(sigma, float(moved.norm() / whole) if whole > 0 else math.nan))

    def history(self) -> GuidanceHistory | None:
        """Everything so far; None if nobody was pulled."""
        if not self.entries and not self.skipped:
            return None
        return GuidanceHistory(
            entries=tuple(self.entries),
            corrections=tuple(self.corrections),
            masks=dict(self.masks),
            skipped=self.skipped,
            levels=self.levels,
        )


def _known(value: float) -> float | None:
    return None if math.isnan(value) else value


def _mean(values: Sequence[float]) -> float:
    return float(torch.tensor(values).nanmean())
