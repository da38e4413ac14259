"""Which rows of a UNet's batch belong to which cond, also after other packs have added rows or taken some away."""

from __future__ import annotations

import itertools
import logging
from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from ...models.errors import LikenessError
from ...models.port.attention import Polarity, Run
from ..sampling.conds import CondInfo
from . import keys
from .options import Options, known_conds, uuids_of
from .tiles import find_rows
from .windows import pictures_of

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class RowGroup:
    """Neighbouring rows of a layer that are about the same.

    Attributes:
        rows: which they are.
        cond: what they are about.
        samples: the picture of every row, by its number in the run.
    """

    rows: slice
    cond: CondInfo
    samples: tuple[int, ...]


@dataclass(frozen=True, eq=False, slots=True)
class BatchRows:
    """The rows of one call of the UNet: chunks of equal size, one for every cond in batch order, or one for every row.

    Attributes:
        count: number of rows as the call began, a multiple of the number of chunks.
        chunks: what each of them is.
        samples: the pictures of each of them, by their number in the run.
        began: ComfyUI's place of every chunk, as the call began; empty where another node has set up the rows.
        live: the list itself, which patches of other packs change when they add rows.
    """

    count: int
    chunks: tuple[CondInfo, ...]
    samples: tuple[tuple[int, ...], ...]
    began: tuple[int, ...]
    live: list[int]

    @classmethod
    def read(cls, x: Tensor, context: Tensor | None, options: Options, run: Run) -> BatchRows:
        """Return the rows of a call as it begins.

        Args:
            x: what the UNet is given, (B, channels, h, w).
            context: the text of every row, (B, S, D), or None.
            options: `transformer_options` of the call.
            run: remembers that an unknown cond was told of.

        Raises:
            LikenessError: if nobody can tell which rows these are.
        """
        chunks = _chunks(options, run)
        found = find_rows(x, context, options, chunks)
        if found is not None:
            return cls(len(x), tuple(row.cond for row in found), tuple((row.picture,) for row in found), (), [])
        live = options.get(keys.COND_OR_UNCOND) or [0]
        samples = _samples(len(x) // len(chunks), options)
        return cls(len(x), chunks, (samples,) * len(chunks), tuple(live), live)

    @property
    def has_regional_text(self) -> bool:
        """Whether rows of a prompt belong to people."""
        return any(chunk.owners for chunk in self.chunks)

    def match(self, hidden: Tensor, count: int) -> Tensor:
        """Return hidden states (B, …) with as many rows as a patch of another pack has made of them.

        Raises:
            LikenessError: if nobody can tell which rows these are.
        """
        if hidden.shape[0] == count:
            return hidden
        places = self._places(count)
        if hidden.shape[0] != self.count:
            raise LikenessError(
                f"Another node changed the attention batch from {hidden.shape[0]} to {count} rows in a way that cannot "
                "be followed; place that node before ours, or remove one of the two."
            )
        chunks = hidden.chunk(len(self.chunks))
        return torch.cat([chunks[place] for place in places])

    def groups(self, count: int) -> Iterator[RowGroup]:
        """Yield a layer's rows, split where polarity, crop or the owners of the text change.

        Args:
            count: rows of the layer.

        Raises:
            LikenessError: if nobody can tell which rows these are.
        """
        places = self._places(count)
        chunks = [self.chunks[place] for place in places]
        per_chunk = count // len(chunks)
        first = 0
        while first < len(chunks):
            last = first + 1
            while last < len(chunks) and chunks[last] == chunks[first]:
                last += 1
            rows = slice(first * per_chunk, last * per_chunk)
            samples = itertools.chain.from_iterable(self.samples[place] for place in places[first:last])
            yield RowGroup(rows, chunks[first], tuple(samples))
            first = last

    def _places(self, count: int) -> list[int]:
        """Which of the call's chunks each chunk of a batch is."""
        if count == self.count:
            return list(range(len(self.chunks)))
        per_chunk = self.count // len(self.chunks)
        if len(self.live) * per_chunk != count or not set(self.live) <= set(self.began):
            raise LikenessError(
                f"Another node changed the attention batch from {self.count} to {count} rows without saying which "
                "prompt they belong to; remove that node or ours."
            )
        return [self.began.index(cond) for cond in self.live]


def _samples(count: int, options: Options) -> tuple[int, ...]:
    """The pictures of a chunk of so many rows."""
    window = pictures_of(options)
    if window is None:
        return tuple(range(count))
    if len(window) != count:
        raise LikenessError(
            f"Another node gives the model {count} pictures at once in a context window of {len(window)}, and nothing tells "
            "which they are; remove that node, or the context windows."
        )
    return window


def _chunks(options: Options, run: Run) -> tuple[CondInfo, ...]:
    known = known_conds(options)
    chunks: list[CondInfo] = []
    for uuid in uuids_of(options):
        if uuid not in known and "unknown cond" not in run.memo:
            run.memo["unknown cond"] = True
            logger.warning("A prompt that is neither positive nor negative is treated as positive.")
        chunks.append(known.get(uuid) or CondInfo(Polarity.POSITIVE))
    return tuple(chunks)
