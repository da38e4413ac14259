"""Values of a file as texts: quoted in a message, or shown in the manual."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, cast

LONGEST_TEXT, LONGEST_NUMBER, MOST_ENTRIES = 200, 128, 50  # letters, bits and entries that a message quotes


def show(value: Any) -> str:
    """Return a value as a message quotes it."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):
        return f'"{_cut(value)}"'
    if isinstance(value, Mapping):
        return "a table"
    if isinstance(value, int) and value.bit_length() > LONGEST_NUMBER:
        return f"a number of {value.bit_length()} bits"
    if isinstance(value, list) and len(cast("list[Any]", value)) > MOST_ENTRIES:
        return f"a list of {len(cast('list[Any]', value))}"
    return _cut(str(value))


def _cut(text: str) -> str:
    """A text as a message holds it: long ones without their middle."""
    return text if len(text) <= LONGEST_TEXT else f"{text[: LONGEST_TEXT // 2]}…{text[-LONGEST_TEXT // 2 :]}"


def as_toml(value: Any) -> str:
    """Return a value as a file would hold it."""
    if isinstance(value, tuple):
        return "[" + ", ".join(as_toml(entry) for entry in value) + "]"
    return f"{value:g}" if isinstance(value, float) else show(value)


def listed(names: Sequence[str]) -> str:
    """Return names as a sentence has them, at least one: "a", "a and b", "a, b and c"."""
    *others, last = names
    return f"{', '.join(others)} and {last}" if others else last
