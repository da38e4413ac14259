"""Keys of a configuration file: read with all faults found at once, and listed for the manual."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import MISSING, Field, field, fields
from pathlib import Path
from typing import Any, TypeVar

from .rules import Rule

T = TypeVar("T")


def key(rule: Rule, text: str, default: Any = MISSING, *, shown: str = "") -> Any:
    """A field of a section's dataclass.

    Args:
        rule: what the key may hold.
        text: one line for the manual.
        default: value where the file is silent; without it the key is required.
        shown: the default as the manual gives it, where its value does not speak for itself.
    """
    return field(default=default, metadata={"rule": rule, "text": text, "shown": shown})


def read_section(section: type[T], name: str, table: Any, folder: Path) -> tuple[T | None, list[str]]:
    """Read one section of a file.

    Args:
        section: dataclass whose fields were made with `key`.
        name: what the file calls it.
        table: what the file holds under that name.
        folder: where relative paths start.

    Returns:
        The section, or None where there are faults; and the faults, one line each.
    """
    if not isinstance(table, Mapping):
        return None, [f"[{name}] is {show(table)}; write it as a section, with its keys below the line [{name}]."]
    known = {entry.name: entry for entry in _fields(section)}
    faults = [unknown(f"[{name}]", str(given), list(known)) for given in table if given not in known]
    values: dict[str, Any] = {}
    for entry in known.values():
        rule: Rule = entry.metadata["rule"]
        if entry.name not in table:
            if entry.default is MISSING:
                faults.append(f"[{name}] {entry.name} is missing; choose {rule.wanted}.")
            continue
        try:
            values[entry.name] = rule.read(table[entry.name], folder)
        except (ValueError, OverflowError) as error:  # an int too large for a float
            remedy = (
                f"{error}; choose {rule.wanted}"
                if type(error) is ValueError and str(error)
                else f"choose {rule.wanted}"
            )
            faults.append(f"[{name}] {entry.name} is {show(table[entry.name])}; {remedy}.")
    return (None, faults) if faults else (section(**values), [])


def unknown(where: str, given: str, known: Sequence[str]) -> str:
    """The fault of a name that nobody knows, with the nearest one that is known."""
    near = difflib.get_close_matches(given, known, n=1)
    remedy = f'write "{near[0]}" or remove it' if near else f"choose among {', '.join(known)}, or remove it"
    return f'{where} has "{given}", which is not known; {remedy}.'


def show(value: Any) -> str:
    """A value as a message quotes it."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):
        return f'"{value}"'
    if isinstance(value, Mapping):
        return "a table"
    return str(value)


def table_rows(section: type[Any], name: str) -> Iterator[str]:
    """The section as rows of a Markdown table: key, what it may hold, default, meaning."""
    for entry in _fields(section):
        default = entry.metadata["shown"] or (
            "required"
            if entry.default is MISSING
            else f"`{_toml(entry.default)}`"
            if entry.default is not None
            else "–"
        )
        cells = (f"`[{name}] {entry.name}`", entry.metadata["rule"].wanted, default, entry.metadata["text"])
        yield "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def _toml(value: Any) -> str:
    if isinstance(value, tuple):
        return "[" + ", ".join(_toml(entry) for entry in value) + "]"
    return f"{value:g}" if isinstance(value, float) else show(value)


def _fields(section: type[Any]) -> list[Field[Any]]:
    return [entry for entry in fields(section) if "rule" in entry.metadata]
