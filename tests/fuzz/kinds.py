"""All kinds of things that are damaged."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import count, islice

from . import kinds_data, kinds_files, kinds_values, kinds_weights
from .forked import Kind

GROUPS: dict[str, tuple[Kind, ...]] = {
    "weights": kinds_weights.KINDS,
    "files": kinds_files.KINDS,
    "data": kinds_data.KINDS,
    "values": kinds_values.KINDS,
}
KINDS: tuple[Kind, ...] = tuple(kind for group in GROUPS.values() for kind in group)


def cases_of(kinds: Sequence[Kind], number: int, first: int = 0) -> Iterator[tuple[str, int]]:
    """So many cases, of all kinds in turn, each kind's seeds from the first one on."""
    rounds = ((kind.name, seed) for seed in count(first) for kind in kinds)
    return islice(rounds, number if kinds else 0)
