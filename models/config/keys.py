"""Keys of a section: everything that its annotations say of them.

A section is a frozen dataclass. Each field is annotated with its type, see `types`, and beside it one line for the manual;
where needed also what the manual gives as default, or what to do where the key is missing.
"""

from __future__ import annotations

from dataclasses import MISSING, Field, dataclass, fields
from functools import cache
from typing import Any, get_type_hints

from .rules import Rule
from .types import rule_of


@dataclass(frozen=True, slots=True)
class Default:
    """Beside a type: the default as the manual gives it, where the value does not speak for itself."""

    text: str


@dataclass(frozen=True, slots=True)
class Remedy:
    """Beside a type: what to do where the key is missing, if it is more than choosing a value."""

    text: str


@dataclass(frozen=True, slots=True)
class PapersOwn:
    """Beside a type: where the file is silent, a number of the method's paper holds.

    Attributes:
        name: the field of `Papers` that holds it.
    """

    name: str


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class Key:
    """One key of a section.

    Attributes:
        name: as the file calls it.
        rule: what it may hold.
        text: one line for the manual.
        default: the value where the file is silent; MISSING where the key is required.
        beside: what else the annotation says.
    """

    name: str
    rule: Rule
    text: str
    default: Any
    beside: tuple[Any, ...] = ()

    @property
    def remedy(self) -> str:
        """What to do where the key is missing."""
        told = [entry.text for entry in self.beside if isinstance(entry, Remedy)]
        return told[0] if told else f"choose {self.rule.wanted}."

    @property
    def told_default(self) -> str | None:
        """The default as the manual gives it, if the annotation says it."""
        return next((entry.text for entry in self.beside if isinstance(entry, Default)), None)

    @property
    def papers_own(self) -> str | None:
        """The field of `Papers` that holds the default, if the method decides it."""
        return next((entry.name for entry in self.beside if isinstance(entry, PapersOwn)), None)


@cache
def keys_of(section: type[Any]) -> tuple[Key, ...]:
    """Return the keys of a section in their order."""
    hints = get_type_hints(section, include_extras=True)
    return tuple(_key(entry.name, hints[entry.name], _default(entry)) for entry in fields(section))


def _default(entry: Field[Any]) -> Any:
    return entry.default if entry.default_factory is MISSING else entry.default_factory()


def _key(name: str, hint: Any, default: Any) -> Key:
    text, *beside = (entry for entry in hint.__metadata__ if not isinstance(entry, Rule))
    return Key(name=name, rule=rule_of(hint), text=text, default=default, beside=tuple(beside))
