"""What FaceStudio learns from."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from ..batches.batch import move_tensors


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class StyleBatch:
    """B pictures, each as a style without its faces, and with the face of its first person.

    Attributes:
        positions: of every picture in the run; random numbers depend on them.
        latents: as the UNet takes them, scaled, (B, C, h, w).
        style: CLIP's embeddings of the pictures with their faces hidden, projected, not normalised, (B, E).
        face: the recogniser's vectors of length 1, (B, V); zeros where the picture shows nobody.
        sizes: see `Batch`, (B, 6); read by SDXL alone.
        weights: of the positions in the loss, at least 0, (B, 1, h, w); None for all alike.
    """

    positions: tuple[int, ...]
    latents: Tensor
    style: Tensor
    face: Tensor
    sizes: Tensor
    weights: Tensor | None = None

    def to(self, device: torch.device) -> StyleBatch:
        """The same batch on a device."""
        return move_tensors(self, device)


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class Guided:
    """What the UNet is told: see `Conditioned`. The text is the guidance, (B, n, D)."""

    latents: Tensor
    text: Tensor
    pooled: Tensor | None
    sizes: Tensor
    weights: Tensor | None
