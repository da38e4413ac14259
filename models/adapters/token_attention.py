"""Attention of a layer's positions to tokens beside the text, for rows of both sides of guidance at once.

Where every position reads one set of tokens alone, the softmax over that set is a softmax over all sets with the others masked
out, so one scaled-dot-product attention gives it; where positions read several, each set has a softmax of its own.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any, Protocol, runtime_checkable

import torch
from torch import Tensor
from torch.nn.functional import pad, scaled_dot_product_attention

from ..port.attention import AttentionCall, AttentionResidual, AttentionSite, Run
from .decoupled_cross_attention import attend_to_sets
from .tokens import Reading

Part = tuple[int, Reading | None]  # number of rows, and what they read


@runtime_checkable
class ReadingResidual(AttentionResidual, Protocol):
    """A residual part of which is attention to tokens, so that a host may compute it for all rows of a layer at once."""

    def read(self, site: AttentionSite, call: AttentionCall) -> tuple[Reading | None, Tensor | None]:
        """What some rows read, and what is to be added beside it, (B, L, C); together what calling the residual gives."""
        ...


def read(residual: AttentionResidual, site: AttentionSite, call: AttentionCall) -> tuple[Reading | None, Tensor | None]:
    """What rows read of a residual and what it adds beside; one that reads nothing only adds."""
    return residual.read(site, call) if isinstance(residual, ReadingResidual) else (None, residual(site, call))


def attend(query: Tensor, parts: Sequence[Part], heads: int, run: Run) -> Tensor | None:
    """Attend to tokens.

    Args:
        query: (B, L, C), heads not split.
        parts: rows of the batch one after another, B in all; those without a reading get 0.
        heads: each has C / heads channels.
        run: keeps keys, values and masks as attention takes them.

    Returns:
        Σ_n w_n · softmax(q k_nᵀ / √(C / heads) + s_n) v_n with w as `Standing` and s as `TokenScores` say, (B, L, C), or None
        where nothing is read.
    """
    readings = [reading for _, reading in parts if reading is not None]
    if not readings:
        return None
    if len(readings) == len(parts) and _are_alike(readings):
        return _attend(query, [rows for rows, _ in parts], readings, heads, run)
    found, first = [], 0
    for rows, reading in parts:
        own = query[first : first + rows]
        found.append(torch.zeros_like(own) if reading is None else _attend(own, [rows], [reading], heads, run))
        first += rows
    return torch.cat(found)


def _are_alike(readings: Sequence[Reading]) -> bool:
    """Whether one attention gives all of them at no more work than each by itself needs, or at fewer launches if none ever changes."""
    first, *others = readings
    if not others:
        return True
    if any(reading.is_shared for reading in readings):
        return all(each.is_kept and each.tokens.length == first.tokens.length for each in readings)
    if any(each.columns != first.columns for each in others):
        return False
    return all(each.standing.choice is None for each in readings) or all(each.is_kept for each in readings)


def _attend(query: Tensor, rows: Sequence[int], readings: Sequence[Reading], heads: int, run: Run) -> Tensor:
    attend_rows = _attend_shared if any(reading.is_shared for reading in readings) else _attend_alone
    return attend_rows(query, rows, readings, heads, run)


def _attend_alone(query: Tensor, rows: Sequence[int], readings: Sequence[Reading], heads: int, run: Run) -> Tensor:
    """One scaled-dot-product attention with a mask, or without one where all tokens are for every position."""
    unit, columns = _unit(rows, readings), readings[0].columns
    key, value = _keep(
        run,
        ("alone", heads, unit, columns),
        [(count, reading.tokens) for count, reading in zip(rows, readings, strict=True)],
        all(reading.tokens.is_kept for reading in readings),
        lambda: _laid_out(rows, readings, unit, heads, columns),
    )
    mask = None
    if any(reading.is_masked for reading in readings):
        mask = _keep(
            run,
            ("mask", unit, columns, query.dtype),
            [
                (count, reading.standing, reading.tokens.length, reading.tokens.scores)
                for count, reading in zip(rows, readings, strict=True)
            ],
            all(reading.standing.is_kept for reading in readings),
            lambda: _mask(query, rows, readings, unit, run),
        )
    attended = scaled_dot_product_attention(_split(query, unit, heads), key, value, attn_mask=mask)
    return attended.transpose(1, 2).reshape(query.shape)


def _attend_shared(query: Tensor, rows: Sequence[int], readings: Sequence[Reading], heads: int, run: Run) -> Tensor:
    """A softmax for each set, and a weight for each position."""
    unit, sets = _unit(rows, readings), max(reading.tokens.sets for reading in readings)
    length = readings[0].tokens.length
    key, value = _keep(
        run,
        ("shared", heads, unit, sets),
        [(count, reading.tokens) for count, reading in zip(rows, readings, strict=True)],
        all(reading.tokens.is_kept for reading in readings),
        lambda: _scaled(*_laid_out(rows, readings, unit, heads, sets * length)),
    )
    weights = _keep(
        run,
        ("weights", unit, sets, query.shape[1], query.dtype),
        [(count, reading.standing) for count, reading in zip(rows, readings, strict=True)],
        all(reading.standing.is_kept for reading in readings),
        lambda: _weights(query, rows, readings, unit, sets),
    )
    scores = None
    if any(reading.tokens.scores is not None for reading in readings):
        scores = _keep(
            run,
            ("scores", unit, sets, query.dtype),
            [(count, reading.tokens.scores) for count, reading in zip(rows, readings, strict=True)],
            True,
            lambda: _scores(query, rows, readings, unit, sets),
        )
    attended = attend_to_sets(_split(query, unit, heads), key, value, weights, scores)
    return attended.transpose(1, 2).reshape(query.shape)


def _unit(rows: Sequence[int], readings: Sequence[Reading]) -> int:
    """Rows that one entry of the attention's batch holds: they have their tokens in common, so positions of all may lie in a row."""
    if any(reading.tokens.is_by_row for reading in readings):
        return 1
    return math.gcd(*rows)


def _split(query: Tensor, unit: int, heads: int) -> Tensor:
    """(B, L, C) as (B / unit, heads, unit · L, d)."""
    rows, positions, channels = query.shape
    return query.reshape(rows // unit, unit * positions, heads, channels // heads).transpose(1, 2)


def _laid_out(
    rows: Sequence[int], readings: Sequence[Reading], unit: int, heads: int, columns: int
) -> tuple[Tensor, Tensor]:
    """Keys and values of all entries of the batch, (B / unit, heads, columns, d) each; what is missing to `columns` is 0."""

    def lay_out(of_readings: Sequence[Tensor]) -> Tensor:
        every: list[Tensor] = []
        for count, tokens in zip(rows, of_readings, strict=True):
            joined = tokens.flatten(-3, -2)  # (N·T, C) or (B, N·T, C)
            filled = pad(joined, (0, 0, 0, columns - joined.shape[-2]))
            every.append(filled.expand(count // unit, *filled.shape[-2:]))
        together = every[0] if len(every) == 1 else torch.cat(every)
        return together.unflatten(-1, (heads, -1)).transpose(1, 2).contiguous()

    of_readings = zip(*(reading.tokens.project() for reading in readings), strict=True)
    return tuple(lay_out(part) for part in of_readings)  # type: ignore[return-value]


def _scaled(key: Tensor, value: Tensor) -> tuple[Tensor, Tensor]:
    return key / math.sqrt(key.shape[-1]), value


def _mask(query: Tensor, rows: Sequence[int], readings: Sequence[Reading], unit: int, run: Run) -> Tensor:
    """What is added to scores, (B / unit, 1, unit · L or 1, columns): for what a position reads its tokens' own, else -∞."""
    is_everywhere = all(reading.standing.choice is None for reading in readings)
    every: list[Tensor] = []
    for count, reading in zip(rows, readings, strict=True):
        table = _table(query, reading, run)
        choice = reading.standing.choice
        opened = table[:1] if choice is None else table[choice]  # (B or 1, L or 1, columns)
        if is_everywhere:  # the same for layers of every size, so it must not know the positions
            every.append(opened.expand(count // unit, 1, reading.columns))
        else:
            every.append(_by_entry(opened, count, query.shape[1], unit))
    together = every[0] if len(every) == 1 else torch.cat(every)
    return together[:, None]


def _by_entry(of_rows: Tensor, rows: int, positions: int, unit: int) -> Tensor:
    """(rows or 1, positions or 1, X) as (rows / unit, unit · positions, X)."""
    return of_rows.expand(rows, positions, of_rows.shape[-1]).reshape(rows // unit, unit * positions, -1)


def _table(query: Tensor, reading: Reading, run: Run) -> Tensor:
    """Rows of a mask, (N + 1, columns): those of N sets, and where some position reads none, that of a key whose value is 0."""
    sets, length, columns = reading.tokens.sets, reading.tokens.length, reading.columns
    scores = reading.tokens.scores

    def make() -> Tensor:
        table = torch.full((sets + 1, columns), -math.inf)
        for number in range(sets):
            table[number, number * length : (number + 1) * length] = 0 if scores is None else scores.values[number]
        table[sets, sets * length : sets * length + 1] = 0
        return table.to(query)

    return run.remember(("rows of a mask", sets, length, columns, scores, query.dtype, query.device), make)


def _weights(query: Tensor, rows: Sequence[int], readings: Sequence[Reading], unit: int, sets: int) -> Tensor:
    """Weights of all entries of the batch, (B / unit, 1, sets, 1, unit · L); sets that are missing have 0."""
    every: list[Tensor] = []
    for count, reading in zip(rows, readings, strict=True):
        shares = reading.standing.shares(query[:count]).to(query)
        every.append(_by_entry(pad(shares, (0, sets - shares.shape[-1])), count, query.shape[1], unit))
    together = every[0] if len(every) == 1 else torch.cat(every)
    return together.transpose(-1, -2)[:, None, :, None]


def _scores(query: Tensor, rows: Sequence[int], readings: Sequence[Reading], unit: int, sets: int) -> Tensor:
    """What is added to scores of all entries of the batch, (B / unit, 1, sets · T, 1); 0 where there is nothing to add."""
    every: list[Tensor] = []
    for count, reading in zip(rows, readings, strict=True):
        own, columns = reading.tokens.scores, sets * reading.tokens.length
        given = query.new_zeros(0) if own is None else own.values.to(query).flatten()
        every.append(pad(given, (0, columns - len(given))).expand(count // unit, columns))
    return torch.cat(every)[:, None, :, None]


def _keep(run: Run, what: tuple[Any, ...], parts: Sequence[Any], is_kept: bool, make: Callable[[], Any]) -> Any:
    """What is made of parts, once per run where none of them ever changes."""
    return run.remember((*what, *parts), make) if is_kept else make()
