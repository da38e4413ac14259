"""Which rows of a UNet's batch belong to which cond, also after other packs have added rows or taken some away."""

from __future__ import annotations

import itertools
import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import torch
from torch import Tensor

from ...models.errors import LikenessError
from ...models.port.attention import Polarity, Run
from ..sampling.conds import CondInfo
from . import keys
from .couples import Copy, LayerRows, find_copies
from .options import Options, known_conds, uuids_of
from .tiles import find_rows
from .windows import pictures_of

logger = logging.getLogger(__name__)

OURS = __name__.removesuffix("unet.batch")  # before the names of all modules that patch layers for us


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
        context: the text of every row, (B, S, D), or None.
        patches: of all packs, that see the input of a layer.
        found: what attention couples have made of the rows, by the number of rows; the same in all layers of a call.
    """

    count: int
    chunks: tuple[CondInfo, ...]
    samples: tuple[tuple[int, ...], ...]
    began: tuple[int, ...]
    live: list[int]
    context: Tensor | None = None
    patches: Sequence[Any] = ()
    found: dict[int, list[Copy] | None] = field(default_factory=dict)

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
        patches = options.get(keys.PATCHES, {}).get(keys.LAYER_PATCH, ())
        found = find_rows(x, context, options, chunks)
        if found is not None:
            conds, samples = tuple(row.cond for row in found), tuple((row.picture,) for row in found)
            return cls(len(x), conds, samples, (), [], context, patches)
        live = options.get(keys.COND_OR_UNCOND) or [0]
        samples = _samples(len(x) // len(chunks), options)
        return cls(len(x), chunks, (samples,) * len(chunks), tuple(live), live, context, patches)

    @property
    def has_regional_text(self) -> bool:
        """Whether rows of a prompt belong to people."""
        return any(chunk.owners for chunk in self.chunks)

    def match(self, hidden: Tensor, count: int, seen: LayerRows | None = None) -> Tensor:
        """Return hidden states (B, …) with as many rows as a patch of another pack has made of them.

        Args:
            hidden: as they were noted.
            count: rows that are wanted.
            seen: the layer's rows after the patches of all packs, where these changed their number.

        Raises:
            LikenessError: if nobody can tell which rows these are.
        """
        if hidden.shape[0] == count:
            return hidden
        if hidden.shape[0] == self.count:
            chunks = hidden.chunk(len(self.chunks))
            return torch.cat([chunks[copy.place] for copy in self._copies(count, seen)])
        if count != self.count:
            raise LikenessError(
                f"Another node changed the attention batch from {hidden.shape[0]} to {count} rows in a way that cannot "
                "be followed; place that node before ours, or remove one of the two."
            )
        places = [copy.place for copy in self._copies(hidden.shape[0], seen)]
        parts = hidden.chunk(len(places))
        return torch.cat([parts[places.index(place)] for place in range(len(self.chunks))])

    def groups(self, count: int, seen: LayerRows | None = None) -> Iterator[RowGroup]:
        """Yield a layer's rows, split where polarity, crop or the owners of the text change.

        Args:
            count: rows of the layer.
            seen: see `match`.

        Raises:
            LikenessError: if nobody can tell which rows these are.
        """
        copies = self._copies(count, seen)
        chunks = [self._cond(copy) for copy in copies]
        per_chunk = count // len(chunks)
        first = 0
        while first < len(chunks):
            last = first + 1
            while last < len(chunks) and chunks[last] == chunks[first]:
                last += 1
            rows = slice(first * per_chunk, last * per_chunk)
            samples = itertools.chain.from_iterable(self.samples[copy.place] for copy in copies[first:last])
            yield RowGroup(rows, chunks[first], tuple(samples))
            first = last

    def _cond(self, copy: Copy) -> CondInfo:
        """What a part of the rows is about; nobody owns and nothing names rows of a text that another node has put in place of ours."""
        cond = self.chunks[copy.place]
        return cond if copy.has_own_text else replace(cond, owners=(), named_rows=())

    def _copies(self, count: int, seen: LayerRows | None) -> list[Copy]:
        """Which of the call's chunks each chunk of a batch is."""
        if count == self.count:
            return [Copy(place, True) for place in range(len(self.chunks))]
        per_chunk = self.count // len(self.chunks)
        if len(self.live) * per_chunk == count and set(self.live) <= set(self.began):
            return [Copy(self.began.index(cond), True) for cond in self.live]
        if count not in self.found and self.context is not None and seen is not None and len(seen.hidden) == count:
            self.found[count] = find_copies(seen, self.context.chunk(len(self.chunks)))
        copies = self.found.get(count)
        if copies is None:
            raise LikenessError(
                f"Another node, such as an attention couple{self._patched_by()}, changed the attention batch from "
                f"{self.count} to {count} rows without saying which prompt they belong to, and nothing tells; remove that node "
                "or ours."
            )
        return copies

    def _patched_by(self) -> str:
        """Who else changes the input of layers, for a message."""
        modules = {_module_of(patch) for patch in self.patches if not is_ours(patch)}
        names = {module.rsplit("/")[-1] for module in modules}
        return f" (the layers are patched by {', '.join(sorted(names))})" if names else ""


def is_ours(patch: object) -> bool:
    """Whether a patch of layers is one of this pack's."""
    return _module_of(patch).startswith(OURS)


def _module_of(patch: object) -> str:
    return getattr(patch, "__module__", type(patch).__module__)


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
