"""What residuals add to all rows of a layer: what both sides of guidance read in one attention, and what is added beside it."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from ...models.adapters.token_attention import attend, read
from ...models.port.attention import AttentionCall, AttentionResidual, Run
from .call import PendingLayer, UNetCall


@torch.compiler.disable  # of a network that is compiled in parts, these are no part
def added(
    residuals: Sequence[AttentionResidual],
    call: UNetCall,
    pending: PendingLayer,
    query: Tensor,
    base: Tensor | None,
    text: tuple[Tensor, Tensor] | None,
) -> Tensor | None:
    """What residuals add to all rows of a layer.

    Args:
        residuals: those that want the layer are asked.
        call: of the UNet.
        pending: the layer.
        query: its projected query, (B, L, C).
        base: what its attention gave, (B, L, C), or None.
        text: keys and values of its text, (B, S, C) each, or None where nobody needs them.

    Returns:
        (B, L, C), or None where nothing is added.
    """
    calls = list(call.attention_calls(pending, query, base, text))
    parts = [_all_rows(each, pending, query, calls, call.run) for each in residuals if each.wants(pending.site)]
    return _sum([part for both in parts for part in both])


def _all_rows(
    residual: AttentionResidual,
    pending: PendingLayer,
    query: Tensor,
    calls: Sequence[tuple[slice, AttentionCall]],
    run: Run,
) -> tuple[Tensor | None, Tensor | None]:
    """What a residual adds to all rows of a layer: what these read, in one attention if that can be, and what it adds beside."""
    found = [(rows, *read(residual, pending.site, call)) for rows, call in calls]
    readings = [(rows.stop - rows.start, reading) for rows, reading, _ in found]
    return attend(query, readings, pending.heads, run), _joined([added for *_, added in found], query, calls)


def _joined(
    parts: Sequence[Tensor | None], query: Tensor, calls: Sequence[tuple[slice, AttentionCall]]
) -> Tensor | None:
    """Parts of all rows as one, 0 where there is none."""
    if all(part is None for part in parts):
        return None
    filled = [
        query.new_zeros(query[rows].shape) if part is None else part
        for (rows, _), part in zip(calls, parts, strict=True)
    ]
    return filled[0] if len(filled) == 1 else torch.cat(filled)


def _sum(parts: Sequence[Tensor | None]) -> Tensor | None:
    given = [part for part in parts if part is not None]
    return sum(given[1:], given[0]) if given else None
