"""A configuration file, read and checked with all faults found at once."""

from __future__ import annotations

import difflib
import sys
from collections.abc import Mapping, Sequence
from dataclasses import MISSING
from pathlib import Path
from typing import Any

from ...models.errors import ConfigError
from .keys import Key, keys_of
from .run import TrainingConfig, sections_of
from .schema import Schema
from .sections import Section
from .values import listed, show

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib


def read_config(path: str | Path, methods: Sequence[type[TrainingConfig]]) -> TrainingConfig:
    """Read and check a configuration file.

    Args:
        path: the TOML file; relative paths in it start at its folder.
        methods: the configuration class of every method that it may name.

    Returns:
        The configuration of the method that it names, all paths absolute.

    Raises:
        ConfigError: listing every fault, one line each.
    """
    path = Path(path)
    reader = _Reader(Schema(methods), _read_toml(path), path.resolve().parent)
    config = reader.read()
    if config is None:
        faults = reader.faults
        count = "1 fault" if len(faults) == 1 else f"{len(faults)} faults"
        raise ConfigError("\n".join([f'"{path.name}" has {count}; mend and start again:', *faults]))
    return config


def _read_toml(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError(f'"{path}" cannot be read ({error.strerror}); name the configuration file.') from error
    except ValueError as error:  # not TOML, or not UTF-8
        raise ConfigError(f'"{path}" is not a TOML file in UTF-8 ({error}); mend that line.') from error


class _Reader:
    """One reading of a file.

    Where the file names no method that is known, it is read as if for the first one, and nothing is said of keys that only
    others use.

    Attributes:
        faults: what was found so far, one line each.
    """

    def __init__(self, schema: Schema, tables: Mapping[str, Any], folder: Path) -> None:
        self.schema, self.tables, self.folder = schema, tables, folder
        self.faults: list[str] = []
        asked = tables.get("method")
        self.asked = asked.get("name") if isinstance(asked, Mapping) else None
        self.method = next((one for one in schema.methods if one.name == self.asked), schema.methods[0])

    def read(self) -> TrainingConfig | None:
        """The configuration, or None where there are faults."""
        sections = sections_of(self.method)
        self.faults += [_unknown("The file", name, list(sections)) for name in self.tables if name not in sections]
        parts = {name: self._section(name, section) for name, section in sections.items()}
        return None if self.faults else self.method(**parts)

    def _section(self, name: str, section: type[Section]) -> Any:
        """One section, or None where it has faults."""
        table, before = self.tables.get(name, {}), len(self.faults)
        if not isinstance(table, Mapping):
            self.faults.append(
                f"[{name}] is {show(table)}; write it as a section, with its keys below the line [{name}]."
            )
            return None
        own = self.schema.by_method[self.method.name][name]
        known = {**self.schema.all[name], **own}
        self.faults += [_unknown(f"[{name}]", str(given), list(known)) for given in table if given not in known]
        self.faults += [
            f"[{name}] {key.name} is missing; {key.remedy}" for key in own.values() if _is_missing(key, table)
        ]
        values = {given: self._value(name, key, table[given]) for given, key in known.items() if given in table}
        self._refuse_foreign(name, table)
        if len(self.faults) > before:
            return None
        made = section(**{key.name: values[key.name] for key in keys_of(section) if key.name in values})
        self.faults += made.faults()
        return made

    def _value(self, section: str, key: Key, given: Any) -> Any:
        """What a key holds, or None where it may not hold that."""
        try:
            return key.rule.read(given, self.folder)
        except (ValueError, OverflowError) as error:  # an int too large for a float
            reason = f"{error}; " if type(error) is ValueError and str(error) else ""
            self.faults.append(f"[{section}] {key.name} is {show(given)}; {reason}choose {key.rule.wanted}.")
            return None

    def _refuse_foreign(self, section: str, table: Mapping[str, Any]) -> None:
        """Note the keys that only other methods use."""
        if self.method.name != self.asked:
            return
        for given in self.schema.all[section]:
            users = self.schema.users(section, given)
            if given in table and self.asked not in users:
                only = f"{listed(users)} {'uses' if len(users) == 1 else 'use'}"
                self.faults.append(
                    f'[{section}] {given} is {show(table[given])}, but only {only} it and name is "{self.asked}"; '
                    "remove it."
                )


def _is_missing(key: Key, table: Mapping[str, Any]) -> bool:
    return key.default is MISSING and key.name not in table


def _unknown(where: str, given: str, known: Sequence[str]) -> str:
    """The fault of a name that nobody knows, with the nearest one that is known."""
    near = difflib.get_close_matches(given, known, n=1)
    remedy = f'write "{near[0]}" or remove it' if near else f"choose among {', '.join(known)}, or remove it"
    return f'{where} has "{given}", which is not known; {remedy}.'
