"""Prompts whose words name people, as CONDITIONING: for every base, whatever the method."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from ..models.errors import InvalidSettingError
from ..models.people.marked_prompt import Mark, MarkedPrompt, mark_people, read_prompt
from ..models.people.person import People, Person
from .named_text import Rows, name_rows
from .prompt_tokens import rows_of_phrases, rows_of_words
from .sampling.delayed_conditioning import Conditioning

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class NamedRows:
    """Which rows of a CONDITIONING are whom.

    Attributes:
        nouns: of every marked noun, of several words the one that means a person, its last token; a row counts once.
        all: these and the rows of all other words that were in square brackets.
    """

    nouns: Rows = ()
    all: Rows = ()


@dataclass(frozen=True, eq=False, slots=True)
class PeoplePrompt:
    """A prompt that names people.

    Attributes:
        conditioning: encoded as without people; every entry notes which of its rows name whom.
        text: without markers, as the text encoder read it.
        rows: which are whom.
    """

    conditioning: Conditioning
    text: str
    rows: NamedRows


def encode_people_prompt(clip: Any, people: People, text: str) -> PeoplePrompt:
    """Encode a prompt and note which of its rows name whom; nothing else of it changes.

    Prompt weights, embeddings and long prompts are ComfyUI's own. The words of somebody who is off or left out stay ordinary
    words.

    Args:
        clip: the text encoder, of an SD1.5 or SDXL checkpoint.
        people: everybody; `@id2` is the second, whoever is off.
        text: with markers, see `models.people.marked_prompt`.

    Raises:
        InvalidSettingError: if markers and people do not fit each other, or a marker has no word of its own.
        IncompatibleBaseModelError: if the CLIP is of another kind.
    """
    acting = {place: person for place, person in enumerate(people) if person.is_on}
    return encode_with_names(clip, people, text, acting, method="Encode People Prompt", reason="is off")


def encode_with_names(
    clip: Any, people: People, text: str, acting: dict[int, Person], *, method: str, reason: str
) -> PeoplePrompt:
    """Encode a prompt as `encode_people_prompt` does, with the words of those alone who act.

    Args:
        clip: the text encoder.
        people: everybody.
        text: with markers.
        acting: those who act, by place.
        method: whose prompt it is, for the log.
        reason: why the others do not, for the log.
    """
    names = [person.name for person in people]
    prompt = mark_people(text, len(people), acting, names)
    _report(read_prompt(text, names).marks, prompt, people, acting, method=method, reason=reason)
    encoded = clip.encode_from_tokens_scheduled(clip.tokenize(prompt.text))
    rows = named_rows(clip, prompt)
    return PeoplePrompt(name_rows(encoded, rows.all), prompt.text, rows)


def named_rows(clip: Any, prompt: MarkedPrompt) -> NamedRows:
    """Find the rows that a prompt's marks give to people.

    Args:
        clip: the text encoder.
        prompt: whose text is encoded.

    Raises:
        InvalidSettingError: if a mark has no word, or two people share one.
        LikenessError: if SDXL's two encoders split the text differently.
    """
    if not prompt.marks:
        return NamedRows()
    nouns = rows_of_words(clip, prompt.text, [mark.end for mark in prompt.marks])
    phrases = [mark.phrase for mark in prompt.marks if mark.phrase]
    spans = iter(rows_of_phrases(clip, prompt.text, phrases))
    owners, of_nouns = dict[int, int](), dict[int, int]()
    for mark, noun in zip(prompt.marks, nouns, strict=True):
        words = next(spans) if mark.phrase else ()
        if noun is None or (mark.phrase and not words):
            raise InvalidSettingError(
                f'No word stands before {mark.name}; write it behind a noun, as in "a man {mark.name}".'
            )
        of_nouns[noun] = mark.person
        for row in (*words, noun):
            _own(owners, row, mark)
    return NamedRows(_pairs(of_nouns), _pairs(owners))


def _own(owners: dict[int, int], row: int, mark: Mark) -> None:
    """Give a row to a person, unless it is another's."""
    if owners.setdefault(row, mark.person) != mark.person:
        raise InvalidSettingError(
            f"@id{owners[row] + 1} and {mark.name} follow the same word; give each person a noun of their own."
        )


def _pairs(owners: dict[int, int]) -> Rows:
    return tuple((person, row) for row, person in owners.items())


def _report(
    written: Sequence[Mark],
    prompt: MarkedPrompt,
    people: People,
    acting: dict[int, Person],
    *,
    method: str,
    reason: str,
) -> None:
    """Tell the log who is not in the prompt, and why."""
    if not acting:
        logger.warning("%s: nobody is in the chain who acts, so the prompt is encoded without people", method)
    for place in prompt.without(len(people)):
        if place in acting:
            message = '%s: no word of the prompt is "%s"; write @id%d behind one'
            logger.warning(message, method, people[place].name, place + 1)
    for place in sorted({mark.person for mark in written} - acting.keys()):
        if place < len(people):
            message = '%s: "%s" %s, so the noun before @id%d stays a plain word'
            logger.info(message, method, people[place].name, reason, place + 1)
