"""The validator: everything that can be wrong with a manifest and the files it names, as a list of faults."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import islice

import numpy as np

from ..models.errors import BadImageError
from .fields import Fault, Level
from .ledger import repeats
from .manifest import PARSE_CLASSES, Parsed, PersonRow, Row
from .pictures import decode_map, decode_picture
from .rows import RowSource

CHUNK = 256  # rows whose files are open at once
Finding = tuple[Level, str, str]  # level, place, text


@dataclass(frozen=True, slots=True)
class Checked:
    """One row after the check.

    Attributes:
        usable: whether it has no errors.
        faults: its errors and warnings.
        row: what it says, if it is usable.
        keys: see `Parsed`.
    """

    usable: bool
    faults: tuple[Fault, ...]
    row: Row | None
    keys: frozenset[str]


def check(source: RowSource) -> Iterator[Checked]:
    """Check all rows of a manifest and open every file they name.

    Nothing that is wrong with the data ends the check.

    Args:
        source: the rows.

    Yields:
        Every row in order.
    """
    seen: dict[str, str] = {}  # digest → where the picture came first
    with ThreadPoolExecutor() as threads:
        for chunk in _chunks(source.scan()):
            opened = threads.map(lambda entry: _open_files(source, *entry), chunk)
            for (_, parsed), (digest, findings) in zip(chunk, opened, strict=True):
                here = f"{parsed.file}:{parsed.line}"
                first = seen.setdefault(digest, here) if digest else here
                if first != here:
                    findings.append(("error", "image", repeats(first)))
                faults = parsed.faults + tuple(Fault(parsed.file, parsed.line, *finding) for finding in findings)
                usable = not any(fault.level == "error" for fault in faults)
                yield Checked(usable, faults, parsed.row if usable else None, parsed.keys)


def _chunks(entries: Iterable[tuple[int, Parsed]]) -> Iterator[list[tuple[int, Parsed]]]:
    iterator = iter(entries)
    while chunk := list(islice(iterator, CHUNK)):
        yield chunk


def _open_files(source: RowSource, number: int, parsed: Parsed) -> tuple[str, list[Finding]]:
    """The digest of a row's picture, and what is wrong with the row's files; "" and nothing for a row with errors."""
    row = parsed.row
    if row is None:
        return "", []
    try:
        content = source.read(number, row.image)
    except OSError as error:
        return "", [("error", "image", _unread(row.image, error))]
    try:
        findings = list(_check_picture(content, row))
        for index, person in enumerate(row.persons):
            for level, place, text in _check_person(source, number, row, person):
                findings.append((level, f"persons[{index}].{place}", text))
    except MemoryError:
        return "", [("error", "image", f"{row.image} or its maps need more memory than there is; make them smaller")]
    return hashlib.sha256(content).hexdigest(), findings


def _check_picture(content: bytes, row: Row) -> Iterator[Finding]:
    digest = hashlib.sha256(content).hexdigest()
    if row.sha256 not in (None, digest):
        yield "error", "sha256", f"is {row.sha256}, but that of {row.image} is {digest}; write the row again"
    try:
        width, height = decode_picture(content, row.image).size
    except BadImageError as error:
        yield "error", "image", str(error).rstrip(".")
        return
    if (width, height) != (row.width, row.height):
        yield (
            "error",
            "w",
            f"and h are {row.width} and {row.height}, but {row.image} has {width}x{height} pixels; mend them",
        )


def _check_person(source: RowSource, number: int, row: Row, person: PersonRow) -> Iterator[Finding]:
    for place, name, classes in (("parse", person.parse, PARSE_CLASSES), ("instance", person.instance, 256)):
        if name is not None:
            yield from _check_map(source, number, row, (place, name, classes))
    if person.arcface is not None:
        yield from _check_vector(source, number, person.arcface)
    outside = [
        point for point in person.points or () if not (0 <= point[0] <= row.width and 0 <= point[1] <= row.height)
    ]
    if outside:
        yield "warning", "kps", f"has {len(outside)} of 5 points outside the picture; the face crop is black there"


def _check_map(source: RowSource, number: int, row: Row, described: tuple[str, str, int]) -> Iterator[Finding]:
    place, name, classes = described
    try:
        values = decode_map(source.read(number, name), name)
    except OSError as error:
        yield "error", place, _unread(name, error)
        return
    except BadImageError as error:
        yield "error", place, str(error).rstrip(".")
        return
    height, width = values.shape
    if (width, height) != (row.width, row.height):
        size = f"{row.width}x{row.height}"
        yield "error", place, f"{name} has {width}x{height} pixels, but the picture has {size}; write it again"
    if values.max() >= classes:
        yield "error", place, f"{name} holds class {values.max()}; classes go from 0 to {classes - 1}"
    if not values.any():
        yield "warning", place, f"{name} is 0 everywhere, so it marks nothing"


def _check_vector(source: RowSource, number: int, name: str) -> Iterator[Finding]:
    file, _, index = name.partition("#")
    try:
        vectors = np.load(io.BytesIO(source.read(number, file)), allow_pickle=False)
    except Exception as error:  # numpy raises whatever it comes across
        yield "error", "arcface", _unread(file, error)
        return
    if not isinstance(vectors, np.ndarray) or vectors.ndim != 2 or vectors.dtype.kind != "f":
        yield "error", "arcface", f"{file} is not a table of vectors; save a (rows, width) float array"
    elif int(index) >= len(vectors):
        yield "error", "arcface", f'is "{name}", but {file} has {len(vectors)} rows, counted from 0'
    elif not np.isfinite(vectors[int(index)]).all() or not vectors[int(index)].any():
        yield "error", "arcface", f'is "{name}", which is 0 everywhere or not finite; compute it again'


def _unread(name: str, error: Exception) -> str:
    reason = "it does not exist" if isinstance(error, FileNotFoundError) and error.errno else str(error)
    return f"{name} cannot be read ({reason}); put it there or remove it from the row"
