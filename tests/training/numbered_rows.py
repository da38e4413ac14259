"""Random rows whose values depend on their numbers alone, wherever in a batch they stand."""

from __future__ import annotations

import torch


def randn(seed, *shape):
    """Normal numbers of a seed."""
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def numbered(numbers):
    """A function: what a seed gives to each row of these numbers, (rows, *shape)."""

    def stacked(seed, *shape):
        return torch.stack([randn(100 * seed + number, *shape) for number in numbers])

    return stacked
