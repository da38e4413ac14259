"""Which word of a prompt is which person: "a man @id1 and a woman @id2 in a cafe".

A marker follows its noun and is taken out, so that the text encoder reads the sentence as if there were none.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass

from ..errors import InvalidSettingError

NOUNS = (
    *("man", "woman", "boy", "girl", "person", "lady", "guy", "male", "female", "child", "kid", "baby", "teenager"),
    *("gentleman", "bride", "groom"),
)  # where there is no marker; the first that the prompt holds
EMBEDDING = "embedding:"  # of ComfyUI's prompts; a name that goes on with punctuation would be another file's
_MARKER = re.compile(r"\s*@id(\d+)(?!\w)", re.IGNORECASE)
_WEIGHT = r":\s*[-+]?[\d.]+\s*"
_CLOSED = re.compile(rf"(?:(?:{_WEIGHT})?(?<!\\)\)\s*)+$")  # brackets around what stands before
_WEIGHED = re.compile(rf"{_WEIGHT}$")
_NOUN = re.compile(rf"(?<![\w:-])({'|'.join(NOUNS)})(?![\w-])", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Mark:
    """A place of the text that names a person.

    Attributes:
        person: place in the chain, from 0.
        end: offset into the text without markers, right behind the noun, within the brackets of its weight.
    """

    person: int
    end: int

    @property
    def name(self) -> str:
        """The marker, as users write it."""
        return f"@id{self.person + 1}"


@dataclass(frozen=True, slots=True)
class MarkedPrompt:
    """A prompt taken apart.

    Attributes:
        text: without markers.
        marks: in the order of the text.
    """

    text: str
    marks: tuple[Mark, ...] = ()

    def without(self, people: int) -> list[int]:
        """Those of a chain of people whom no mark names, places from 0."""
        return sorted(set(range(people)) - {mark.person for mark in self.marks})


def read_prompt(prompt: str) -> MarkedPrompt:
    """Take the markers out of a prompt; nobody is looked for.

    The blanks before a marker go with it, unless words or punctuation on both sides would then grow together.
    """
    text, marks, done = "", list[Mark](), 0
    for found in _MARKER.finditer(prompt):
        text += prompt[done : found.start()]
        done = found.end()
        marks.append(Mark(int(found[1]) - 1, _noun_end(text, prompt[done:])))
        text += _seam(text, prompt[done:])
    return MarkedPrompt(text + prompt[done:], tuple(marks))


def mark_people(prompt: str, people: int, acting: Collection[int] | None = None) -> MarkedPrompt:
    """Find the word of every person of a chain.

    Args:
        prompt: with markers; without any, one person is named by the first of `NOUNS` in it.
        people: how many the chain has; some may have no marker. Without anybody nothing is marked.
        acting: places of those who act, from 0; the nouns of all others are left as they are. None for everybody.

    Raises:
        InvalidSettingError: if a marker names nobody of the chain, or none is there and nothing else tells the words.
    """
    found = read_prompt(prompt)
    if not people:
        return MarkedPrompt(found.text)
    strangers = [mark.name for mark in found.marks if not 0 <= mark.person < people]
    if strangers:
        raise InvalidSettingError(
            f"The prompt names {_list_names(strangers)}, but the chain of people has {people} "
            f"{'person' if people == 1 else 'people'}; add one more or use {_markers(people)}."
        )
    acts = range(people) if acting is None else acting
    if found.marks or not acts:
        return MarkedPrompt(found.text, tuple(mark for mark in found.marks if mark.person in acts))
    if people > 1:
        raise InvalidSettingError(
            f"The chain has {people} people, but no marker tells which word is whom; write {_markers(people)} "
            'behind their nouns, as in "a man @id1 and a woman @id2".'
        )
    noun = _NOUN.search(found.text)
    if noun is None:
        raise InvalidSettingError(
            'No word of the prompt is known to mean a person; write @id1 behind the one that does, as in "a wizard @id1".'
        )
    return MarkedPrompt(found.text, (Mark(0, noun.end()),))


def _noun_end(before: str, after: str) -> int:
    """Where the noun before a marker ends: "(man:1.2) @id1" and "(man:1.2 @id1)" mean "(man @id1:1.2)"."""
    weight = _WEIGHED.search(before) if after.lstrip().startswith(")") else None
    syntax = weight or _CLOSED.search(before)
    return syntax.start() if syntax else len(before)


def _seam(before: str, after: str) -> str:
    """What stands in a marker's place: nothing, or the blank without which the text around it would read differently."""
    if not before or not after or after[0].isspace():
        return ""
    word = before.split()[-1] if before.strip() else ""
    return "" if before[-1].isalnum() and EMBEDDING not in word else " "


def _markers(people: int) -> str:
    """The markers of a chain, as a phrase."""
    return "@id1" if people == 1 else f"@id1 to @id{people}"


def _list_names(names: Iterable[str]) -> str:
    return ", ".join(dict.fromkeys(names))
