"""Which rows of a layer are whose, where an attention couple has repeated or moved them and keeps that to itself."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

MOST_WAYS = 4096  # of giving parts to conds that are looked through


@dataclass(frozen=True, eq=False, slots=True)
class LayerRows:
    """The rows of a layer as it gets them, after the patches of all packs.

    Attributes:
        hidden: normed input, (B, L, C).
        context: the text that its keys are made of, (B, S, D).
    """

    hidden: Tensor
    context: Tensor


@dataclass(frozen=True, slots=True)
class Copy:
    """A part of a layer's rows.

    Attributes:
        place: the chunk of the call that it is a copy of.
        has_own_text: whether it still reads that chunk's text.
    """

    place: int
    has_own_text: bool


@torch.no_grad()
def find_copies(rows: LayerRows, texts: Sequence[Tensor]) -> list[Copy] | None:
    """Find out which chunk of a call each part of a layer's rows is a copy of.

    Copies of one chunk have the same input, bit for bit, whatever text they read, so parts with different input are of
    different chunks; a part that reads the text of one chunk alone is of that chunk; no chunk is missing. Where this leaves
    a choice, as in the first layer, whose input is not of the text yet, copies of a chunk stand together and in order.

    Args:
        rows: of the layer.
        texts: of every chunk as the call began, (b, T, D); a part has b rows.

    Returns:
        One for each part; None where it cannot be told.
    """
    size = len(texts[0])
    if len(rows.hidden) % size or len(rows.context) != len(rows.hidden):
        return None
    hidden, context = rows.hidden.split(size), rows.context.split(size)
    kinds = [next(n for n, first in enumerate(hidden) if torch.equal(part, first)) for part in hidden]
    fitting = [[place for place, text in enumerate(texts) if is_text(part, text)] for part in context]
    open_to = [places or list(range(len(texts))) for places in fitting]
    if math.prod(len(places) for places in open_to) > MOST_WAYS:
        return None
    ways = [way for way in itertools.product(*open_to) if _is_possible(way, kinds, len(texts))]
    if len(ways) > 1:
        ways = [way for way in ways if list(way) == sorted(way)]
    if len(ways) != 1:
        return None
    return [Copy(place, place in places) for place, places in zip(ways[0], fitting, strict=True)]


def _is_possible(way: Sequence[int], kinds: Sequence[int], chunks: int) -> bool:
    """Whether every chunk is there, and parts of one chunk have one input."""
    return len(set(way)) == chunks == len(set(zip(kinds, way, strict=True)))


def is_text(part: Tensor, text: Tensor) -> bool:
    """Whether a part (…, S, D) is a text (…, T, D), which ComfyUI repeats to the length of a longer one."""
    times, rest = divmod(part.shape[-2], text.shape[-2])
    return not rest and part.shape[-1] == text.shape[-1] and torch.equal(part, torch.cat([text.to(part)] * times, -2))
