"""The state of one UNet call, which the patches of all its layers share."""

from __future__ import annotations

import logging
import math
from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from torch import Tensor, nn

from ...models.errors import LikenessError
from ...models.port.attention import AttentionCall, AttentionSite, Run, TextRows
from . import keys
from .batch import BatchRows
from .couples import LayerRows
from .options import Options
from .sites import grid_of

logger = logging.getLogger(__name__)


@dataclass(frozen=True, eq=False, slots=True)
class PendingLayer:
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

    def with_hidden(self, hidden: Tensor) -> PendingLayer:
        """Return the same layer with other rows."""
        return replace(self, hidden=hidden)


@dataclass(eq=False, slots=True)
class UNetCall:
    """One call of the UNet.

    Attributes:
        unet: the network that runs.
        run: the sampling run, or one for this call alone where the caller is no sampler.
        sigma: noise level.
        size: (height, width) of the latent of this call.
        batch: which rows are what.
        pending: the layer whose residual is still to be added.
        seen: the rows of the layer that runs, where another pack changed their number.
        copies: whether patches of other packs see a layer's input after ours and may write into it.
        fired: indices of the sites that were asked for a residual.
    """

    unet: nn.Module
    run: Run
    sigma: float
    size: tuple[int, int]
    batch: BatchRows
    pending: PendingLayer | None = None
    seen: LayerRows | None = None
    copies: bool = True
    fired: set[int] = field(default_factory=set)

    @classmethod
    def begin(cls, unet: nn.Module, x: Tensor, context: Tensor | None, options: Options) -> UNetCall:
        """Read a call's `transformer_options`.

        Args:
            unet: the network.
            x: its input, (B, channels, h, w).
            context: the text of every row, (B, S, D), or None.
            options: `transformer_options` of the call.

        Raises:
            LikenessError: if nobody can tell which rows these are.
        """
        sigmas = options.get(keys.SIGMAS)
        run: Run = options.get(keys.RUN) or Run()
        return cls(
            unet=unet,
            run=run,
            sigma=math.inf if sigmas is None else float(sigmas.reshape(-1)[0]),
            size=(x.shape[-2], x.shape[-1]),
            batch=BatchRows.read(x, context, options, run),
        )

    def take(self) -> PendingLayer:
        """Return the pending layer, which is pending no more."""
        pending, self.pending = self.pending, None
        if pending is None:
            raise LikenessError("No attention layer is pending.")
        return pending

    def attention_calls(
        self, pending: PendingLayer, query: Tensor, base: Tensor | None, text: tuple[Tensor, Tensor] | None
    ) -> Iterator[tuple[slice, AttentionCall]]:
        """Yield what residuals see of a layer, for every group of its rows.

        Args:
            pending: the layer.
            query: its projected query, (B, L, C).
            base: what its attention gave, or None.
            text: keys and values of its text, (B, S, C) each, or None where nobody asked for them.
        """
        grid = grid_of(pending.grid, self.size, query.shape[1])
        for group in self.batch.groups(query.shape[0], self.seen):
            rows, cond = group.rows, group.cond
            yield (
                rows,
                AttentionCall(
                    hidden=pending.hidden[rows],
                    query=query[rows],
                    base=None if base is None else base[rows],
                    heads=pending.heads,
                    grid=grid,
                    polarity=cond.polarity,
                    samples=group.samples,
                    sigma=self.sigma,
                    crop=cond.crop,
                    run=self.run,
                    text=None if text is None else self._regional_text(cond.owners, text, rows),
                ),
            )

    def _regional_text(self, owners: tuple[int, ...], text: tuple[Tensor, Tensor], rows: slice) -> TextRows | None:
        """The text of some rows; ComfyUI repeats a prompt to the length of a longer one in the same batch."""
        if not owners:
            return None
        text_keys, values = (part[rows] for part in text)
        times, rest = divmod(text_keys.shape[1], len(owners))
        if rest or values.shape != text_keys.shape:
            if "other text" not in self.run.memo:
                self.run.memo["other text"] = True
                logger.warning("Another node changed the prompt's rows, so every person sees the whole prompt.")
            return None
        return TextRows(text_keys, values, owners * times)
