"""All kinds of things that are damaged."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import count, cycle, islice

import torch

from . import kinds_data, kinds_files, kinds_values, kinds_weights
from .forked import Kind

torch.set_num_threads(1)
KINDS: tuple[Kind, ...] = (*kinds_weights.KINDS, *kinds_files.KINDS, *kinds_data.KINDS, *kinds_values.KINDS)


def cases_of(kinds: Sequence[Kind], number: int, first: int = 0) -> Iterator[tuple[str, int]]:
    """So many cases, of all kinds in turn, each kind's seeds from the first one on."""
    rounds = ((kind.name, seed) for seed in count(first) for kind in kinds)
    return islice(rounds, number) if kinds else islice(cycle(()), 0)
