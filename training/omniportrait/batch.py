"""What OmniPortrait's method learns from."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from ..batches.batch import move_tensors


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class PivotBatch:
    """B pictures with up to N people each.

    Attributes:
        positions: of every picture in the run; random numbers depend on them.
        latents: as the UNet takes them, scaled, (B, C, h, w).
        text: rows of the prompts, nobody's face in them, (B, S, D).
        empty: rows of the empty prompt, (1, S, D).
        pooled: the second encoder's pooled text, (B, P); None for SD1.5.
        empty_pooled: the same of the empty prompt, (1, P); None for SD1.5.
        sizes: see `Batch`, (B, 6); read by SDXL alone.
        crops: of the people's faces, as the image encoder takes them, (B, N, 3, H, W), 0–1.
        rows: of the text, the last one of each person's noun, (B, N) int64.
        faces: share of each place of the picture that shows the person's face, (B, N, H', W'), 0–1, of any size.
        present: whether there is such a person, (B, N) bool; the first is always there.
        weights: of the positions in the loss, at least 0, (B, 1, h, w); None for all alike.
    """

    positions: tuple[int, ...]
    latents: Tensor
    text: Tensor
    empty: Tensor
    pooled: Tensor | None
    empty_pooled: Tensor | None
    sizes: Tensor
    crops: Tensor
    rows: Tensor
    faces: Tensor
    present: Tensor
    weights: Tensor | None = None

    def to(self, device: torch.device) -> PivotBatch:
        """The same batch on a device."""
        return move_tensors(self, device)
