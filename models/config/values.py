"""Values of a file as texts: quoted in a message, or shown in the manual."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any


def show(value: Any) -> str:
    """Return a value as a message quotes it."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):
        return f'"{value}"'
    if isinstance(value, Mapping):
        return "a table"
    return str(value)


def as_toml(value: Any) -> str:
    """Return a value as a file would hold it."""
    if isinstance(value, tuple):
        return "[" + ", ".join(as_toml(entry) for entry in value) + "]"
    return f"{value:g}" if isinstance(value, float) else show(value)


def listed(names: Sequence[str]) -> str:
    """Return names as a sentence has them, at least one: "a", "a and b", "a, b and c"."""
    *others, last = names
    return f"{', '.join(others)} and {last}" if others else last
