"""Which words of a prompt are which person: "a man @id1 and [the woman on the left] @Anna in a cafe".

A marker follows its noun, or several words in square brackets, and says a person's number or name. Markers and brackets are
taken out, so that the text encoder reads the sentence as if there were none.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

from ..errors import InvalidSettingError, holds_half

NOUNS = (
    *("man", "woman", "boy", "girl", "person", "lady", "guy", "male", "female", "child", "kid", "baby", "teenager"),
    *("gentleman", "bride", "groom"),
)  # where there is no marker; the first that the prompt holds
EMBEDDING = "embedding:"  # of ComfyUI's prompts; a name that goes on with punctuation would be another file's
MOST_MARKS = 100  # of one prompt
MOST_DIGITS = 9  # of a marker's number
MOST_NESTED = 100  # brackets in brackets, which ComfyUI takes apart in as many steps into itself
_NUMBER = r"id(?P<number>\d+)"
_WEIGHED = re.compile(r":\s*[-+]?[\d.]+\s*$")
# Brackets around what stands before, with their weights, in a text read from its end: from its beginning, every bracket would be
# tried as the first.
_CLOSED = re.compile(r"(?:\s*\)(?!\\)(?:\s*[\d.]+[-+]?\s*:)?)+")
_BRACKET = re.compile(r"(?<!\\)[()]")
_NOUN = re.compile(rf"(?<![\w:-])({'|'.join(NOUNS)})(?![\w-])", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Mark:
    """A place of the text that names a person.

    Attributes:
        person: place in the chain, from 0.
        end: offset into the text without markers, right behind the noun, within the brackets of its weight. Of several words
            it is the first of `NOUNS` among them, else the last.
        phrase: begin and end offset of the words that were in square brackets; None where a noun stands alone.
    """

    person: int
    end: int
    phrase: tuple[int, int] | None = None

    @property
    def name(self) -> str:
        """The marker by number, as users may write it."""
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


def read_prompt(prompt: str, names: Sequence[str] = ()) -> MarkedPrompt:
    """Take the markers out of a prompt; nobody is looked for.

    The blanks before a marker go with it, unless words or punctuation on both sides would then grow together.

    Args:
        prompt: with markers by number, and by name where names are given; any other word behind an @ stays as it is.
        names: of the people, in the order of the chain. Upper and lower case count only where they tell two people apart.

    Raises:
        InvalidSettingError: if a marker's name is that of several people, or stands behind brackets with another marker in
            them; if there are too many markers or brackets, or half a
            character is in the prompt.
    """
    require_readable(prompt)
    text, marks, done = "", list[Mark](), 0
    for found in _marker(names).finditer(prompt):
        if len(marks) == MOST_MARKS:
            raise InvalidSettingError(f"The prompt has more than {MOST_MARKS} markers; take some out.")
        text += prompt[done : found.start()].rstrip()
        done = found.end()
        person = _numbered(found["number"]) if found["number"] else _place(found["name"], names)
        text, mark = _take_brackets(text, Mark(person, _noun_end(text, prompt[done:])))
        if marks and mark.phrase and marks[-1].end > mark.phrase[0]:
            raise InvalidSettingError(
                f"The square brackets before {mark.name} hold {marks[-1].name} as well; give each person words of their own."
            )
        marks.append(mark)
        text += _seam(text, prompt[done:])
    return MarkedPrompt(text + prompt[done:], tuple(marks))


def require_readable(prompt: str) -> None:
    """Check that a text encoder can read a prompt, whose brackets ComfyUI takes apart one inside the other.

    Raises:
        InvalidSettingError: if half a character is in it, or too many brackets in each other.
    """
    if holds_half(prompt):
        raise InvalidSettingError(
            "The prompt holds half a character (a surrogate alone), which no text encoder reads; write it anew."
        )
    if _depth(prompt) > MOST_NESTED:
        raise InvalidSettingError(
            f"The prompt has more than {MOST_NESTED} brackets in each other; close some, or take them out."
        )


def marked_people(
    prompt: str, people: int, acting: Collection[int] | None = None, names: Sequence[str] = ()
) -> MarkedPrompt:
    """Find the words that markers give to the people of a chain; there may be none.

    Args:
        prompt: with markers.
        people: how many the chain has. Without anybody nothing is marked.
        acting: places of those who act, from 0; the words of all others are left as they are. None for everybody.
        names: of the people, for markers by name.

    Raises:
        InvalidSettingError: if a marker names nobody of the chain, or see `read_prompt`.
    """
    return _of_people(read_prompt(prompt, names), people, acting)


def mark_people(
    prompt: str, people: int, acting: Collection[int] | None = None, names: Sequence[str] = ()
) -> MarkedPrompt:
    """Find the words of every person of a chain: as `marked_people`, but some must be found.

    Args:
        prompt: without any marker, one person is named by the first of `NOUNS` in it.
        people: how many the chain has; some may have no marker.
        acting: places of those who act, from 0.
        names: of the people.

    Raises:
        InvalidSettingError: as `marked_people`, or if there is no marker and nothing else tells the words.
    """
    written = read_prompt(prompt, names)
    found = _of_people(written, people, acting)
    acts = range(people) if acting is None else acting
    if not people or not acts or written.marks:
        return found
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


def _of_people(found: MarkedPrompt, people: int, acting: Collection[int] | None) -> MarkedPrompt:
    """What was read, with the marks of those of a chain who act."""
    if not people:
        return MarkedPrompt(found.text)
    strangers = [mark.name for mark in found.marks if not 0 <= mark.person < people]
    if strangers:
        raise InvalidSettingError(
            f"The prompt names {_list_names(strangers)}, but the chain of people has {people} "
            f"{'person' if people == 1 else 'people'}; add one more or use {_markers(people)}."
        )
    acts = range(people) if acting is None else acting
    return MarkedPrompt(found.text, tuple(mark for mark in found.marks if mark.person in acts))


def _marker(names: Sequence[str]) -> re.Pattern[str]:
    """A marker by number or by one of some names, of which the longest that fits counts."""
    named = "|".join(sorted({_written(name) for name in names if name.strip()}, key=len, reverse=True)) or r"(?!)"
    return re.compile(rf"@(?:{_NUMBER}|(?P<name>{named}))(?!\w)", re.IGNORECASE)


def _depth(prompt: str) -> int:
    """How many round brackets stand in each other, those behind a backslash left out."""
    depth = deepest = 0
    for found in _BRACKET.finditer(prompt):
        depth = max(depth + (1 if found.group() == "(" else -1), 0)
        deepest = max(deepest, depth)
    return deepest


def _numbered(digits: str) -> int:
    """The place, from 0, that a marker's number means."""
    if len(digits) > MOST_DIGITS:
        raise InvalidSettingError(
            f"@id{digits} is a number of {len(digits)} digits; write that of a person, as in @id2."
        )
    return int(digits) - 1


def _written(name: str) -> str:
    """A pattern of a name, whatever its blanks."""
    return r"\s+".join(map(re.escape, name.split()))


def _place(name: str, names: Sequence[str]) -> int:
    """The place of the person who is called so."""
    wanted = " ".join(name.split())
    alike = [place for place, other in enumerate(names) if re.fullmatch(_written(other), wanted, re.IGNORECASE)]
    same = [place for place in alike if re.fullmatch(_written(names[place]), wanted)] or alike
    if len(same) > 1:
        numbers = _list_names(f"@id{place + 1}" for place in same)
        raise InvalidSettingError(f"@{wanted} may be {numbers}; write the number of the person that you mean.")
    return same[0]


def _take_brackets(text: str, mark: Mark) -> tuple[str, Mark]:
    """A text up to a marker without the square brackets that the marker follows, and the mark of the words in these."""
    inside = text[: mark.end].rstrip()
    begin = inside.rfind("[")
    if not inside.endswith("]") or begin < 0 or "]" in inside[begin:-1]:
        return text, mark
    words = inside[begin + 1 : -1]
    before = text[:begin] + (" " if text[:begin][-1:].isalnum() and words[:1].isalnum() else "")
    noun = _NOUN.search(words)
    start, end = len(before), len(before) + len(words)
    return f"{before}{words}{text[len(inside) :]}", Mark(mark.person, start + noun.end() if noun else end, (start, end))


def _noun_end(before: str, after: str) -> int:
    """Where the noun before a marker ends: "(man:1.2) @id1" and "(man:1.2 @id1)" mean "(man @id1:1.2)"."""
    weight = _WEIGHED.search(before) if after.lstrip().startswith(")") else None
    if weight:
        return weight.start()
    closed = _CLOSED.match(before[::-1])
    return len(before) - (closed.end() if closed else 0)


def _seam(before: str, after: str) -> str:
    """What stands in a marker's place: nothing, or the blank without which the text around it would read differently."""
    if not before or not after or after[0].isspace():
        return ""
    word = before.rsplit(None, 1)[-1] if before.strip() else ""
    return "" if before[-1].isalnum() and EMBEDDING not in word else " "


def _markers(people: int) -> str:
    """The markers of a chain, as a phrase."""
    return "@id1" if people == 1 else f"@id1 to @id{people}"


def _list_names(names: Iterable[str]) -> str:
    return ", ".join(dict.fromkeys(names))
