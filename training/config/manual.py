"""The table of all keys in docs/training.md."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import MISSING

from .keys import Key
from .run import TrainingConfig
from .schema import Schema
from .values import as_toml, listed


def key_table(methods: Sequence[type[TrainingConfig]]) -> str:
    """Return every key that some methods know as a Markdown table: key, what it may hold, default, meaning."""
    head = ["| key | may hold | default | meaning |", "|---|---|---|---|"]
    keys = Schema(methods).all
    return "\n".join([*head, *(_row(section, key, methods) for section, mine in keys.items() for key in mine.values())])


def _row(section: str, key: Key, methods: Sequence[type[TrainingConfig]]) -> str:
    cells = (f"`[{section}] {key.name}`", key.rule.wanted, _default(key, methods), key.text)
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def _default(key: Key, methods: Sequence[type[TrainingConfig]]) -> str:
    if key.told_default is not None:
        return key.told_default
    if key.papers_own is not None:
        return _papers_own(key.papers_own, methods)
    if key.default is MISSING:
        return "required"
    return "–" if key.default is None else f"`{as_toml(key.default)}`"


def _papers_own(name: str, methods: Sequence[type[TrainingConfig]]) -> str:
    """A number of every method's paper, and where it holds; methods with the same one stand together."""
    places: dict[str, list[str]] = {}
    for method in methods:
        places.setdefault(as_toml(getattr(method.papers, name)), []).append(method.place)
    return ", ".join(f"`{value}` {listed(where)}" for value, where in places.items())
