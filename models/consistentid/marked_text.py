"""Prompts in which words stand for facial regions: as values, and as ids for the first text encoder with the rows of their markers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from ..clip import BOS, EOS
from ..face.facial_features import MOST_REGIONS

MARKER = "<|facial|>"  # stands after the noun that a region is fused into
TEXT_LENGTH = 77  # ids of one CLIP text, begin and end included
NOUNS = {"face": "face", "ears": "ears?", "eyes": "eyes?", "nose": "nose", "mouth": "mouth|lips?"}


@dataclass(frozen=True, slots=True)
class FacialPrompt:
    """A prompt with one person's facial features marked.

    Attributes:
        text: with a marker after the noun of every feature.
        plain: the prompt of the phase before merging, without markers.
        regions: names of the regions whose feature the description names, in the order given.
        features: the feature of every marker that this module put in, in the order of the text.
    """

    text: str
    plain: str
    regions: tuple[str, ...]
    features: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Caption:
    """How one person's face is described.

    Attributes:
        text: anybody's words; None is the pipeline's sentence about the regions found.
        regions: names of the regions found.
    """

    text: str | None
    regions: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Mark:
    """A word that stands for a facial region.

    Attributes:
        person: place of the caption that the word belongs to.
        feature: face, ears, eyes, nose or mouth.
        end: offset just after the word in the composed text.
    """

    person: int
    feature: str
    end: int


@dataclass(frozen=True, slots=True)
class ComposedPrompt:
    """A prompt with several people's captions, in the host's prompt syntax.

    Attributes:
        text: without markers.
        marks: by person, and within a person as the words come.
        spans: begin and end offset of every person's caption; equal where a caption names no region that was found, and so
            was left out.
    """

    text: str
    marks: tuple[Mark, ...]
    spans: tuple[tuple[int, int], ...]

    @property
    def marked_text(self) -> str:
        """The text with a marker after every word that stands for a region."""
        text = self.text
        for mark in sorted(self.marks, key=lambda mark: mark.end, reverse=True):
            text = f"{text[: mark.end]} {MARKER}{text[mark.end :]}"
        return text


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
