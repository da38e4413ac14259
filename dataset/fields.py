"""Fields of one manifest row, read one by one; whatever is wrong is noted with its place, and reading goes on."""

from __future__ import annotations

import difflib
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any, Literal

Level = Literal["error", "warning"]
Box = tuple[float, float, float, float]
Points = tuple[tuple[float, float], ...]
POINTS = 5


@dataclass(frozen=True, slots=True)
class Fault:
    """Something wrong in a manifest.

    Attributes:
        file: the manifest or shard.
        line: line in the manifest, place of the row in the shard; from 1.
        level: rows with an error are passed over; a warning changes nothing.
        place: the field, as `persons[0].bbox`, or "" for the row.
        text: what was seen and what to do.
    """

    file: str
    line: int
    level: Level
    place: str
    text: str

    def __str__(self) -> str:
        place = f"{self.place} " if self.place else ""
        return f"{self.file}:{self.line}: {self.level}: {place}{self.text}"


Note = Callable[[Level, str, str], None]


def quote(value: Any) -> str:
    """A value as a message shows it, cut at 60 characters."""
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."


def is_number(value: Any) -> bool:
    """Whether it is a finite number that fits a float."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    return math.isfinite(value) if isinstance(value, float) else abs(value) < 2**53


def leaves_folder(path: str) -> bool:
    """Whether a path is anything but a relative one, with forward slashes, that stays in its folder."""
    parts = PurePosixPath(path).parts
    return not parts or path.startswith("/") or ".." in parts or any(letter in path for letter in "\\:\0")


class Fields:
    """One JSON object of a row.

    Every reader gives None where the field is absent, null or wrong; absence is an error only where it is required.

    Args:
        table: the object.
        place: where it lies in the row, as `persons[0].`, or "".
        note: is told every fault.
    """

    def __init__(self, table: Mapping[str, Any], place: str, note: Note) -> None:
        self._table, self._place, self._note = table, place, note

    def only(self, known: Sequence[str]) -> None:
        """Warn of fields that nobody reads."""
        for name in self._table:
            if name not in known:
                near = difflib.get_close_matches(name, known, n=1)
                remedy = f'did you mean "{near[0]}"?' if near else "it is ignored"
                self._note("warning", self._place + name, f"is not known; {remedy}")

    def text(self, name: str, *, required: bool = False, empty: bool = True) -> str | None:
        """A text."""
        value = self._present(name, "a text", required)
        if value is None:
            return None
        if not isinstance(value, str) or not (empty or value.strip()):
            return self._wrong(name, value, "give a text" if empty else "give a text that is not empty")
        return value

    def number(self, name: str, low: float, high: float, *, required: bool = False) -> float | None:
        """A number from `low` to `high`."""
        value = self._present(name, "a number", required)
        if value is None:
            return None
        if not is_number(value) or not low <= value <= high:
            return self._wrong(name, value, f"give a number from {low:g} to {high:g}")
        return float(value)

    def flag(self, name: str) -> bool | None:
        """True or false."""
        value = self._present(name, "true or false", required=False)
        if value is None:
            return None
        return value if isinstance(value, bool) else self._wrong(name, value, "give true or false")

    def size(self, name: str) -> int | None:
        """A required number of pixels, at least 1."""
        value = self._present(name, "a whole number of pixels", required=True)
        if value is None:
            return None
        if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= 100_000:
            return self._wrong(name, value, "give a whole number of pixels from 1 to 100000")
        return value

    def path(self, name: str, *, required: bool = False, index: bool = False) -> str | None:
        """A path that stays in the manifest's folder; with `index` it ends in "#" and a number."""
        value = self._present(name, "a path", required)
        if value is None:
            return None
        if not isinstance(value, str):
            return self._wrong(name, value, "give a path")
        file, mark, number = value.partition("#") if index else (value, "#", "0")
        if index and not (mark and number.isascii() and number.isdecimal() and len(number) <= 12):
            return self._wrong(name, value, 'give a path, "#" and the number of the row in it')
        if leaves_folder(file):
            return self._wrong(name, value, "give a path with / that stays in the manifest's folder")
        return value

    def box(self, name: str, size: tuple[int, int] | None, *, required: bool = False) -> Box | None:
        """x0 y0 x1 y1 in pixels; must touch the picture, and a part outside is only warned of."""
        value = self._present(name, "four numbers", required)
        if value is None:
            return None
        if not isinstance(value, list) or len(value) != 4 or not all(map(is_number, value)):
            return self._wrong(name, value, "give four numbers x0, y0, x1, y1")
        x0, y0, x1, y1 = (float(entry) for entry in value)
        if x0 >= x1 or y0 >= y1:
            return self._wrong(name, value, "x0 must be below x1 and y0 below y1")
        if size:
            width, height = size
            if x1 <= 0 or y1 <= 0 or x0 >= width or y0 >= height:
                return self._wrong(name, value, f"it lies outside the picture of {width}x{height} pixels")
            if x0 < 0 or y0 < 0 or x1 > width or y1 > height:
                self._note(
                    "warning",
                    self._place + name,
                    f"is {quote(value)}, which leaves the picture of {width}x{height} pixels",
                )
        return x0, y0, x1, y1

    def points(self, name: str) -> Points | None:
        """Five points of a face that do not all coincide."""
        value = self._present(name, "five points", required=False)
        if value is None:
            return None
        pairs = (
            isinstance(value, list) and len(value) == POINTS and all(isinstance(p, list) and len(p) == 2 for p in value)
        )
        if not pairs or not all(is_number(number) for point in value for number in point):
            return self._wrong(name, value, "give five points [x, y]: eyes, nose, corners of the mouth")
        points = tuple((float(x), float(y)) for x, y in value)
        if len(set(points)) < POINTS:
            return self._wrong(name, value, "give five different points")
        return points

    def objects(self, name: str) -> list[tuple[int, Mapping[str, Any]]]:
        """A list of objects, each with its place in the list; wrong entries are noted and left out."""
        value = self._table.get(name)
        if value is None:
            return []
        if not isinstance(value, list):
            self._wrong(name, value, "give a list")
            return []
        for index, entry in enumerate(value):
            if not isinstance(entry, dict):
                self._wrong(f"{name}[{index}]", entry, "give an object")
        return [(index, entry) for index, entry in enumerate(value) if isinstance(entry, dict)]

    def wrong(self, name: str, remedy: str) -> None:
        """Note an error in a field that was read already."""
        self._wrong(name, self._table.get(name), remedy)

    def _present(self, name: str, kind: str, required: bool) -> Any:
        value = self._table.get(name)
        if value is None and required:
            self._note("error", self._place + name, f"is missing; give {kind}")
        return value

    def _wrong(self, name: str, value: Any, remedy: str) -> None:
        self._note("error", self._place + name, f"is {quote(value)}; {remedy}")
