"""The state of one UNet call: which batch rows are what, and the layer whose residual is still to be added."""

from __future__ import annotations

import logging
import math
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any

import torch
from torch import Tensor, nn

from ...models.errors import LikenessError
from ...models.port.attention import AttentionCall, AttentionSite, Polarity, Run, TextRows
from ..sampling.runs import CONDS_KEY, RUN_KEY, CondInfo

logger = logging.getLogger(__name__)


@dataclass(frozen=True, eq=False, slots=True)
class Pending:
    """A cross-attention layer that is about to run.

    Attributes:
        site: the layer.
        hidden: its normed input, (B, L, C).
        heads: number of heads.
        grid: (h, w) of the block, or empty where the host did not say.
        context: the text that its keys and values are made of, (B, S, D) each; they may differ.
    """

    site: AttentionSite
    hidden: Tensor
    heads: int
    grid: tuple[int, ...]
    context: tuple[Tensor, Tensor]

    def with_hidden(self, hidden: Tensor) -> Pending:
        """The same layer with other rows."""
        return replace(self, hidden=hidden)


@dataclass(eq=False, slots=True)
class UNetCall:
    """One call of the UNet.

    Attributes:
        unet: the network that runs.
        run: the sampling run, or one for this call alone where the caller is no sampler.
        sigma: noise level.
        size: (height, width) of the latent of this call.
        chunks: one per cond in the batch, in batch order.
        cond_or_uncond: as the call began; patches of other packs change the shared list when they add rows.
        live: that shared list.
        pending: the layer whose residual is still to be added.
        fired: indices of the sites that were asked for a residual.
    """

    unet: nn.Module
    run: Run
    sigma: float
    size: tuple[int, int]
    rows: int
    chunks: tuple[CondInfo, ...]
    cond_or_uncond: tuple[int, ...]
    live: list[int]
    pending: Pending | None = None
    fired: set[int] = field(default_factory=set)

    @classmethod
    def begin(cls, unet: nn.Module, x: Tensor, options: dict[str, Any]) -> UNetCall:
        """Read a call's `transformer_options`.

        Args:
            unet: the network.
            x: its input, (B, channels, h, w).
            options: `transformer_options` of the call.
        """
        sigmas = options.get("sigmas")
        run: Run = options.get(RUN_KEY) or Run()
        live = options.get("cond_or_uncond") or [0]
        return cls(
            unet=unet,
            run=run,
            sigma=math.inf if sigmas is None else float(sigmas.flatten()[0]),
            size=(x.shape[-2], x.shape[-1]),
            rows=x.shape[0],
            chunks=_chunks(options, run),
            cond_or_uncond=tuple(live),
            live=live,
        )

    def take(self) -> Pending:
        """The pending layer, which is pending no more."""
        pending, self.pending = self.pending, None
        if pending is None:
            raise LikenessError("No attention layer is pending.")
        return pending

    def matching_rows(self, hidden: Tensor, rows: int) -> Tensor:
        """Hidden states with as many rows as a patch of another pack has made of them."""
        if hidden.shape[0] == rows:
            return hidden
        places = self._places(rows)
        if hidden.shape[0] != self.rows:
            raise LikenessError(
                f"Another node changed the attention batch from {hidden.shape[0]} to {rows} rows in a way that cannot "
                "be followed; place that node before ours, or remove one of the two."
            )
        chunks = hidden.chunk(len(self.chunks))
        return torch.cat([chunks[place] for place in places])

    @property
    def has_regional_text(self) -> bool:
        """Whether rows of a prompt belong to people."""
        return any(chunk.owners for chunk in self.chunks)

    def groups(
        self, pending: Pending, query: Tensor, base: Tensor | None, text: tuple[Tensor, Tensor] | None
    ) -> Iterator[tuple[slice, AttentionCall]]:
        """The rows of a layer, split where polarity, crop or the owners of the text change.

        Args:
            pending: the layer.
            query: its projected query, (B, L, C).
            base: what its attention gave, or None.
            text: keys and values of its text, (B, S, C) each, or None where nobody asked for them.
        """
        total = query.shape[0]
        chunks = [self.chunks[place] for place in self._places(total)]
        per_chunk = total // len(chunks)
        first = 0
        while first < len(chunks):
            last = first + 1
            while last < len(chunks) and chunks[last] == chunks[first]:
                last += 1
            rows = slice(first * per_chunk, last * per_chunk)
            yield (
                rows,
                AttentionCall(
                    hidden=pending.hidden[rows],
                    query=query[rows],
                    base=None if base is None else base[rows],
                    heads=pending.heads,
                    grid=self._grid(pending, query.shape[1]),
                    polarity=chunks[first].polarity,
                    samples=tuple(range(per_chunk)) * (last - first),
                    sigma=self.sigma,
                    crop=chunks[first].crop,
                    run=self.run,
                    text=None if text is None else self._regional_text(chunks[first].owners, text, rows),
                ),
            )
            first = last

    def _regional_text(self, owners: tuple[int, ...], text: tuple[Tensor, Tensor], rows: slice) -> TextRows | None:
        """The text of some rows; ComfyUI repeats a prompt to the length of a longer one in the same batch."""
        if not owners:
            return None
        keys, values = (part[rows] for part in text)
        times, rest = divmod(keys.shape[1], len(owners))
        if rest or values.shape != keys.shape:
            if "other text" not in self.run.memo:
                self.run.memo["other text"] = True
                logger.warning("Another node changed the prompt's rows, so every person sees the whole prompt.")
            return None
        return TextRows(keys, values, owners * times)

    def _places(self, rows: int) -> list[int]:
        """Which of the call's chunks each chunk of a batch is."""
        if rows == self.rows:
            return list(range(len(self.chunks)))
        per_chunk = self.rows // len(self.chunks)
        if len(self.live) * per_chunk != rows or not set(self.live) <= set(self.cond_or_uncond):
            raise LikenessError(
                f"Another node changed the attention batch from {self.rows} to {rows} rows without saying which "
                "prompt they belong to; remove that node or ours."
            )
        return [self.cond_or_uncond.index(cond) for cond in self.live]

    def _grid(self, pending: Pending, positions: int) -> tuple[int, int]:
        if len(pending.grid) == 2 and pending.grid[0] * pending.grid[1] == positions:
            return pending.grid[0], pending.grid[1]
        height, width = self.size
        shrink = math.sqrt(height * width / positions)
        grid = math.ceil(height / shrink - 1e-6), math.ceil(width / shrink - 1e-6)
        if grid[0] * grid[1] != positions:
            raise LikenessError(
                f"An attention layer has {positions} positions, which is no grid of a {height}×{width} latent; "
                "remove the node that merges or drops tokens."
            )
        return grid


def _chunks(options: dict[str, Any], run: Run) -> tuple[CondInfo, ...]:
    known: dict[Any, CondInfo] = options.get(CONDS_KEY, {})
    uuids = options.get("uuids") or [None]
    chunks: list[CondInfo] = []
    for uuid in uuids:
        if uuid not in known and "unknown cond" not in run.memo:
            run.memo["unknown cond"] = True
            logger.warning("A prompt that is neither positive nor negative is treated as positive.")
        chunks.append(known.get(uuid) or CondInfo(Polarity.POSITIVE))
    return tuple(chunks)
