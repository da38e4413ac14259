"""Ids of a marked prompt for the first text encoder, and the rows that its markers stand for."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from ...clip import BOS, EOS
from ...face.facial_features import MOST_REGIONS
from .marked_text import MARKER, TEXT_LENGTH


@dataclass(frozen=True, eq=False, slots=True)
class MarkedTokens:
    """A marked prompt as the first text encoder gets it.

    Attributes:
        ids: without markers, (length,) int64; a text that is too long loses its end, the end token too.
        mask: the rows that regions are fused into, (length,) bool: the last piece of the noun before each marker.
        raw_length: number of ids before cutting, begin, end and markers included.
        positions: the marked rows in ascending order.
        index: these rows padded with zeros, (5,) int64.
        index_mask: which entries of `index` are rows, (5,) bool.
    """

    ids: Tensor
    mask: Tensor
    raw_length: int
    positions: tuple[int, ...]
    index: Tensor
    index_mask: Tensor


def mark(text: str, encode: Callable[[str], Sequence[int]], *, length: int = TEXT_LENGTH, pad: int) -> MarkedTokens:
    """Tokenise a marked prompt and note the rows before its markers.

    Args:
        text: with any number of markers; of more than five marked rows `index` keeps the first five.
        encode: text to ids without begin and end.
        length: of the encoder's input.
        pad: id that fills short texts.
    """
    pieces = text.split(MARKER)
    ids, rows = [BOS], set[int]()
    for place, piece in enumerate(pieces):
        if place:
            rows.add(len(ids) - 1)
        ids.extend(encode(piece))
    ids.append(EOS)
    raw_length = len(ids) + len(pieces) - 1
    positions = tuple(sorted(row for row in rows if row < length))
    mask = torch.zeros(length, dtype=torch.bool)
    mask[list(positions)] = True
    shown = positions[:MOST_REGIONS]
    rest = MOST_REGIONS - len(shown)
    return MarkedTokens(
        ids=torch.tensor((ids + [pad] * length)[:length]),
        mask=mask,
        raw_length=raw_length,
        positions=positions,
        index=torch.tensor([*shown, *[0] * rest]),
        index_mask=torch.tensor([True] * len(shown) + [False] * rest),
    )
