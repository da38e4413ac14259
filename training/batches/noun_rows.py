"""The row of the text that stands for a person: the last token of their noun in the caption."""

from __future__ import annotations

from collections.abc import Sequence

from ...dataset.manifest import PersonRow, Row
from ...diffusers_host.text_encoders import TOKENS
from ...models.clip import text_ids
from ...models.errors import InvalidSettingError
from ...models.people.marked_prompt import mark_people


def noun_rows(row: Row, people: Sequence[PersonRow]) -> tuple[int, ...] | None:
    """Rows of the nouns of some people of a picture.

    The manifest may name them; without it, one person is the first word of the caption that is known to mean a person.

    Args:
        row: of the manifest.
        people: of it, in any order.

    Returns:
        One for each, all different; None where somebody has no noun, or it is no whole word of the first 75 tokens.
    """
    ends = [_named(row, row.persons.index(person)) for person in people]
    if len(row.persons) == 1 and ends == [None]:
        ends = [_guessed(row.caption)]
    rows = [None if end is None else last_token(row.caption, end) for end in ends]
    found = tuple(place for place in rows if place is not None)
    return found if len(set(found)) == len(people) else None


def last_token(text: str, end: int) -> int | None:
    """Row of the last token of a text's first `end` characters; None where no token ends there or it is cut off."""
    before, whole = text_ids(text[:end]), text_ids(text)
    fits = 0 < len(before) <= TOKENS - 2 and whole[: len(before)] == before
    return len(before) if fits else None  # the text begins in row 1


def _named(row: Row, person: int) -> int | None:
    return next((noun.span[1] for noun in row.nouns if noun.person == person), None)


def _guessed(caption: str) -> int | None:
    try:
        return mark_people(caption, 1).marks[0].end
    except InvalidSettingError:
        return None
