"""What IP-Adapter FaceID learns from."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from ..batches.batch import move_tensors


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class FaceBatch:
    """B pictures with one person each; V is the width of face vectors.

    Attributes:
        positions: of every picture in the run; random numbers depend on them.
        latents: as the UNet takes them, scaled, (B, C, h, w).
        text: rows of the prompts, (B, S, D).
        empty: rows of the empty prompt, (1, S, D).
        pooled: the second encoder's pooled text, (B, P); None for SD1.5.
        empty_pooled: the same of the empty prompt, (1, P); None for SD1.5.
        sizes: see `Batch`, (B, 6); read by SDXL alone.
        vectors: the recogniser's, of length 1, (B, V).
        weights: of the positions in the loss, at least 0, (B, 1, h, w); None for all alike.
    """

    positions: tuple[int, ...]
    latents: Tensor
    text: Tensor
    empty: Tensor
    pooled: Tensor | None
    empty_pooled: Tensor | None
    sizes: Tensor
    vectors: Tensor
    weights: Tensor | None = None

    def to(self, device: torch.device) -> FaceBatch:
        """The same batch on a device."""
        return move_tensors(self, device)
