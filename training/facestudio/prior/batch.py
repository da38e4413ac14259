"""What a prior learns from."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from ...batches.batch import move_tensors


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class PairBatch:
    """B texts and the embeddings of their pictures.

    Attributes:
        positions: of every pair in the run; random numbers depend on them.
        hidden: the text tower's last states after its final norm, (B, T, W).
        pooled: projected states of the end tokens, not normalised, (B, W).
        mask: 1 up to the end token, 0 behind it, (B, T).
        empty_hidden, empty_pooled, empty_mask: the same of the empty text, of one row each.
        embedding: of the pictures, projected, neither normalised nor of length 1, (B, E).
    """

    positions: tuple[int, ...]
    hidden: Tensor
    pooled: Tensor
    mask: Tensor
    empty_hidden: Tensor
    empty_pooled: Tensor
    empty_mask: Tensor
    embedding: Tensor

    def to(self, device: torch.device) -> PairBatch:
        """The same batch on a device."""
        return move_tensors(self, device)
