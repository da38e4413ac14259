"""Sentences that say what text decides, in several ways, and nothing of an identity but the noun."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar

from torch import Tensor

from .facts import GLASSES, HEADBAND, PATTERNS, Facts
from .palette import CLOTHING_NAMES, TINT_NAMES
from .people.identity import FACE, NOUNS

ARTICLE = "a "  # every noun begins with a consonant
OPENINGS = ("", "a portrait of ", "a drawing of ", "a picture of ")
GROUP_OPENINGS = ("", "{count} people: ", "a drawing of {count} people: ", "from left to right, ")
COUNTS = ("one", "two", "three", "four")
CLOTHES = ("in a {colour} shirt", "wearing a {colour} shirt", "in {colour}", "dressed in {colour}")
WORN = {GLASSES: ("with glasses", "with red glasses"), HEADBAND: ("with a headband", "with a white headband")}
SIDES = (
    ("on the left", "at the left side"),
    ("in the middle", "in the centre"),
    ("on the right", "at the right side"),
)
BACKDROPS = ("in front of {pattern}", "with {pattern} in the background", "against {pattern}", "with {pattern} behind")


@dataclass(frozen=True, slots=True)
class Caption:
    """A sentence.

    Attributes:
        text: the sentence.
        nouns: first and last-plus-one character of each person's noun, from left to right.
    """

    text: str
    nouns: tuple[tuple[int, int], ...]


def write_captions(codes: Tensor, facts: Facts, phrasing: Tensor) -> tuple[Caption, ...]:
    """Write a caption per picture.

    Args:
        codes: who is in the pictures, (B, N, 7) int64.
        facts: what the captions say.
        phrasing: numbers 0–1 that choose the words, (B, P); four people take 12.
    """
    columns = (codes[..., FACE], facts.clothing, facts.accessory, facts.people, facts.side, facts.pattern, facts.tint)
    return tuple(
        _Writer(numbers).write([*zip(*persons, strict=True)][:people], side, pattern, tint)
        for *persons, people, side, pattern, tint, numbers in zip(
            *(column.tolist() for column in columns), phrasing.tolist(), strict=True
        )
    )


def vocabulary() -> str:
    """Return a text with every word and sign that captions are made of."""
    worn = [words for phrases in WORN.values() for words in phrases]
    sides = [words for phrases in SIDES for words in phrases]
    tints = [colour for colours in TINT_NAMES for colour in colours]
    phrases = [*OPENINGS, *GROUP_OPENINGS, *CLOTHES, *BACKDROPS]
    signs = ["a", "and", ","]
    text = " ".join([*signs, *phrases, *COUNTS, *NOUNS, *CLOTHING_NAMES, *worn, *sides, *tints, *PATTERNS])
    return re.sub(r"\{\w+\}", " ", text)


_Option = TypeVar("_Option")


class _Writer:
    def __init__(self, numbers: Sequence[float]) -> None:
        self._numbers = iter(numbers)
        self._text = ""
        self._nouns: list[tuple[int, int]] = []

    def write(self, persons: Sequence[tuple[int, int, int]], side: int, pattern: int, tint: int) -> Caption:
        """Write a caption from codes: (noun, clothing, accessory) per person."""
        count = len(persons)
        openings = OPENINGS if count == 1 else GROUP_OPENINGS
        self._text += self._one_of(openings).format(count=COUNTS[count - 1])
        for number, person in enumerate(persons):
            if number:
                self._text += " and " if number == count - 1 else ", "
            self._person(*person)
            if side >= 0:
                self._text += " " + self._one_of(SIDES[side])
            elif count == 2:
                self._text += " " + SIDES[2 * number][0]
        self._text += (" " if count == 1 else ", ") + self._one_of(BACKDROPS).format(
            pattern=self._pattern(pattern, tint)
        )
        return Caption(self._text, tuple(self._nouns))

    def _person(self, noun: int, clothing: int, accessory: int) -> None:
        start = len(self._text) + len(ARTICLE)
        self._nouns.append((start, start + len(NOUNS[noun])))
        self._text += ARTICLE + NOUNS[noun] + " " + self._one_of(CLOTHES).format(colour=CLOTHING_NAMES[clothing])
        if accessory in WORN:
            self._text += " " + self._one_of(WORN[accessory])

    def _pattern(self, pattern: int, tint: int) -> str:
        colours = TINT_NAMES[tint]
        first, second = self._one_of((colours, colours[::-1]))
        name = PATTERNS[pattern]
        return f"{first} and {second} {name}" if name.endswith("s") else f"a {first} and {second} {name}"

    def _one_of(self, options: Sequence[_Option]) -> _Option:
        return options[int(next(self._numbers) * len(options))]
