"""What a key of a configuration file may hold: ranges, words, paths and lists of them."""

from __future__ import annotations

import glob
import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, runtime_checkable


@runtime_checkable
class Rule(Protocol):
    """What a key may hold."""

    @property
    def wanted(self) -> str:
        """Completes "choose …" in a message and stands in the manual's table."""
        ...

    def read(self, value: Any, folder: Path) -> Any:
        """The value as the program uses it.

        Raises:
            ValueError: if the value is not allowed; its text replaces `wanted` where it is not empty.
        """
        ...


@dataclass(frozen=True, slots=True)
class Number:
    """A number in a range.

    Attributes:
        low: the smallest value.
        high: the largest value.
        above: `low` itself is not allowed.
        below: `high` itself is not allowed.
        step: the number must be a multiple of it.
        whole: no fractions; where a type is annotated, an int says so.
    """

    low: float = -math.inf
    high: float = math.inf
    above: bool = False
    below: bool = False
    step: int = 1
    whole: bool = False

    @property
    def wanted(self) -> str:
        """The range in words."""
        kind = "a whole number" if self.whole else "a number"
        kind += f" divisible by {self.step}" if self.step > 1 else ""
        if self.high == math.inf:
            return f"{kind} above {self.low}" if self.above else f"{kind} from {self.low} up"
        first = f"above {self.low}" if self.above else f"from {self.low}"
        last = f"below {self.high}" if self.below else f"to {self.high}"
        return f"{kind} {first} {'and ' if self.above or self.below else ''}{last}"

    def read(self, value: Any, folder: Path) -> int | float:
        """Check type and range; a whole float is no int, an int is a float."""
        if isinstance(value, bool) or not isinstance(value, int if self.whole else (int, float)):
            raise ValueError
        inside = (self.low < value if self.above else self.low <= value) and (
            value < self.high if self.below else value <= self.high
        )
        if not inside or not math.isfinite(value) or (self.whole and value % self.step):
            raise ValueError
        return value if self.whole else float(value)


@dataclass(frozen=True, slots=True)
class Choice:
    """One of several words."""

    words: tuple[str, ...]

    @property
    def wanted(self) -> str:
        """The words."""
        return "one of " + ", ".join(f'"{word}"' for word in self.words)

    def read(self, value: Any, folder: Path) -> str:
        """Check that it is one of the words."""
        if value not in self.words:
            raise ValueError
        return value


@dataclass(frozen=True, slots=True)
class Text:
    """Any text but an empty one."""

    @property
    def wanted(self) -> str:
        """What it is."""
        return "a text in quotes"

    def read(self, value: Any, folder: Path) -> str:
        """Check that it is a text with something in it."""
        if not isinstance(value, str) or not value.strip():
            raise ValueError
        return value


@dataclass(frozen=True, slots=True)
class Pattern:
    """A path with `*` in it; relative ones start at the configuration file."""

    @property
    def wanted(self) -> str:
        """What it is."""
        return "a path, which may hold `*` and `{000..099}`"

    def read(self, value: Any, folder: Path) -> str:
        """Make it absolute; the folder's own name means nothing but itself."""
        if not isinstance(value, str) or not value.strip():
            raise ValueError
        path = Path(value).expanduser()
        return str(path if path.is_absolute() else Path(glob.escape(str(folder))) / path)


@dataclass(frozen=True, slots=True)
class FileName:
    """A file's name, without a folder."""

    @property
    def wanted(self) -> str:
        """What it is."""
        return "a file name without a folder"

    def read(self, value: Any, folder: Path) -> str:
        """Check that it names no folder."""
        if not isinstance(value, str) or value.strip() in ("", "..") or Path(value).name != value or "\\" in value:
            raise ValueError
        return value


@dataclass(frozen=True, slots=True)
class Flag:
    """true or false."""

    @property
    def wanted(self) -> str:
        """The two words."""
        return "true or false"

    def read(self, value: Any, folder: Path) -> bool:
        """Check that it is one of the two."""
        if not isinstance(value, bool):
            raise ValueError
        return value


@dataclass(frozen=True, slots=True)
class Location:
    """A file or folder; relative ones start at the configuration file.

    Attributes:
        exists: it must be there: "file", "folder", or "" where it is going to be made.
    """

    exists: str = "file"

    @property
    def wanted(self) -> str:
        """What kind of path."""
        return f"the path of a {self.exists} that exists" if self.exists else "a path"

    def read(self, value: Any, folder: Path) -> Path:
        """Make it absolute and see that it is there."""
        if not isinstance(value, str) or not value.strip():
            raise ValueError
        path = (folder / Path(value).expanduser()).resolve()
        there = {"file": path.is_file, "folder": path.is_dir}.get(self.exists, lambda: True)
        if not there():
            raise ValueError(f"there is no such {self.exists}: {path}")
        return path


@dataclass(frozen=True, slots=True)
class Either:
    """One of several words that mean something of their own, or what another rule allows."""

    words: tuple[str, ...]
    rule: Rule

    @property
    def wanted(self) -> str:
        """The words, then the other rule."""
        return " or ".join([*(f'"{word}"' for word in self.words), self.rule.wanted])

    def read(self, value: Any, folder: Path) -> Any:
        """Keep a word as it is and leave the rest to the other rule."""
        return value if value in self.words else self.rule.read(value, folder)


@dataclass(frozen=True, slots=True)
class Many:
    """A list.

    Attributes:
        rule: what each entry may hold.
        count: how many entries there must be, or 0 for any number.
        ascending: no entry may be smaller than the one before it.
    """

    rule: Rule
    count: int = 0
    ascending: bool = False

    @property
    def wanted(self) -> str:
        """How many and of what."""
        order = ", the smaller first" if self.ascending else ""
        return f"a list of {f'{self.count} entries' if self.count else 'any length'}, each {self.rule.wanted}{order}"

    def read(self, value: Any, folder: Path) -> tuple[Any, ...]:
        """Check the number of entries and each of them."""
        if not isinstance(value, list) or (self.count and len(value) != self.count):
            raise ValueError
        entries = tuple(self.rule.read(entry, folder) for entry in value)
        if self.ascending and list(entries) != sorted(entries):
            raise ValueError
        return entries


@dataclass(frozen=True, slots=True)
class Table:
    """Values by names that the user chooses.

    Attributes:
        rule: what each may hold.
    """

    rule: Rule

    @property
    def wanted(self) -> str:
        """What stands behind each name."""
        return f"a table of names, behind each {self.rule.wanted}"

    def read(self, value: Any, folder: Path) -> dict[str, Any]:
        """Check each value."""
        if not isinstance(value, Mapping):
            raise ValueError
        return {str(name): self.rule.read(entry, folder) for name, entry in value.items()}
