"""What the windows of one step gave, put together picture by picture."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor


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
