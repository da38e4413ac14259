"""The table of all keys in docs/training.md."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import MISSING

from ...models.config.keys import Key
from ...models.config.values import as_toml, listed
from .run import TrainingConfig
from .schema import Schema


def key_table(methods: Sequence[type[TrainingConfig]]) -> str:
    """Return every key that some methods know as a Markdown table: key, what it may hold, default, meaning."""
    head = ["| key | may hold | default | meaning |", "|---|---|---|---|"]
    keys = Schema(methods).all
    return "\n".join([*head, *(_row(section, key, methods) for section, mine in keys.items() for key in mine.values())])


def _row(section: str, key: Key, methods: Sequence[type[TrainingConfig]]) -> str:
    cells = (f"`[{section}] {key.name}`", key.rule.wanted, _defaults(section, key, methods), key.text)
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def _defaults(section: str, key: Key, methods: Sequence[type[TrainingConfig]]) -> str:
    """The default of every method that knows a key, and where it holds; methods with the same one stand together.

    Where it is the same in all of them, that alone; numbers of papers always say where they hold.
    """
    by_method, places = Schema(methods).by_method, dict[str, list[str]]()
    for method in methods:
        mine = by_method[method.name][section].get(key.name)
        if mine is not None:
            places.setdefault(_default(mine, method), []).append(method.place)
    if len(places) == 1 and key.papers_own is None:
        return next(iter(places))
    return ", ".join(f"{value} {listed(where)}" for value, where in places.items())


def _default(key: Key, method: type[TrainingConfig]) -> str:
    """The default of one method."""
    if key.told_default is not None:
        return key.told_default
    if key.default is MISSING:
        return "required"
    value = key.default if key.papers_own is None else getattr(method.papers, key.papers_own)
    return "–" if value is None else f"`{as_toml(value)}`"
