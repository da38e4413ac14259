"""Random numbers of training: a function of the seed and of a row's place in the run, of nothing else.

A resumed run, a second process and the second pass of gradient checkpointing therefore draw what the first drew.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True, slots=True)
class Draws:
    """The random numbers of one batch, all made on the CPU.

    Attributes:
        seed: of the run.
        positions: of every row, counted over the whole run and all processes.
    """

    seed: int
    positions: tuple[int, ...]

    def normal(self, purpose: str, shape: Sequence[int]) -> Tensor:
        """Standard normal values, (B, *shape); every purpose has numbers of its own."""
        return torch.stack([torch.randn(*shape, generator=one) for one in self._generators(purpose)])

    def uniform(self, purpose: str, shape: Sequence[int] = ()) -> Tensor:
        """Values from 0 to below 1, (B, *shape); a longer first axis goes on where a shorter one ends."""
        return torch.stack([torch.rand(tuple(shape), generator=one) for one in self._generators(purpose)])

    def integers(self, purpose: str, end: int) -> Tensor:
        """Whole numbers from 0 to below `end`, (B,) int64."""
        return torch.stack([torch.randint(end, (), generator=one) for one in self._generators(purpose)])

    def gumbel(self, purpose: str, shape: Sequence[int]) -> Tensor:
        """Standard Gumbel values, (B, *shape)."""
        tiny = torch.finfo(torch.float32).tiny
        return -(-self.uniform(purpose, shape).clamp_min(tiny).log()).clamp_min(tiny).log()

    def _generators(self, purpose: str) -> list[torch.Generator]:
        return [torch.Generator().manual_seed(_seed(f"{self.seed}/{place}/{purpose}")) for place in self.positions]


def _seed(text: str) -> int:
    """A number of 63 bits that is the same on every machine."""
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), "little") >> 1
