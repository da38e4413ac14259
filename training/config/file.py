"""A configuration file, read and checked with all faults found at once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ...models.config.keys import keys_of
from ...models.config.reading import Section, read_keys, read_toml, refuse, unknown
from ...models.config.values import listed, show
from .run import TrainingConfig, sections_of
from .schema import Schema


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
    reader = _Reader(Schema(methods), read_toml(path), path.resolve().parent)
    config = reader.read()
    refuse(path, reader.faults)
    return config


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

    def read(self) -> Any:
        """The configuration, or None where there are faults."""
        sections = sections_of(self.method)
        self.faults += [unknown("The file", name, list(sections)) for name in self.tables if name not in sections]
        parts = {name: self._section(name, section) for name, section in sections.items()}
        return None if self.faults else self.method(**parts)

    def _section(self, name: str, section: type[Section]) -> Any:
        """One section, or None where it has faults."""
        table, own = self.tables.get(name, {}), self.schema.by_method[self.method.name][name]
        values, faults = read_keys(f"[{name}]", table, own, self.folder, others=self.schema.all[name])
        if isinstance(table, Mapping):
            faults += self._foreign(name, table)
        self.faults += faults
        if faults:
            return None
        made = section(**{key.name: values[key.name] for key in keys_of(section) if key.name in values})
        self.faults += made.faults()
        return made

    def _foreign(self, section: str, table: Mapping[str, Any]) -> list[str]:
        """The faults of keys that only other methods use."""
        faults: list[str] = []
        if self.method.name != self.asked:
            return faults
        for given in self.schema.all[section]:
            users = self.schema.users(section, given)
            if given in table and self.asked not in users:
                only = f"{listed(users)} {'uses' if len(users) == 1 else 'use'}"
                faults.append(
                    f'[{section}] {given} is {show(table[given])}, but only {only} it and name is "{self.asked}"; '
                    "remove it."
                )
        return faults
