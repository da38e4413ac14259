"""Where rows and their files come from: a JSONL manifest beside a folder of files, or tar shards in webdataset's layout.

Both are read through once at the start and remember only where each row lies, so that a million rows fit into memory
and any row can be read at any time. That makes the order of training a matter of arithmetic (`order.py`).
"""

from __future__ import annotations

import glob
import re
import tarfile
from array import array
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Protocol

from ..models.errors import MissingModelFileError
from .ledger import Ledger
from .manifest import Parsed, Row, parse_row

_RANGE = re.compile(r"\{(\d+)\.\.(\d+)\}")


class RowSource(Protocol):
    """Rows that can be read in any order."""

    def scan(self) -> Iterator[tuple[int, Parsed]]:
        """All rows from the first to the last, each with the number that `row` takes, checked against each other."""
        ...

    def row(self, number: int) -> Row:
        """Read one row again, one that `scan` gave without an error.

        Raises:
            OSError: if it cannot be read any more.
        """
        ...

    def read(self, number: int, name: str) -> bytes:
        """Read a file that a row names.

        Raises:
            OSError: if it is not there or cannot be read.
        """
        ...


class ManifestRows:
    """The rows of a JSONL file; a row's number is the place of its line in bytes.

    Args:
        path: the manifest; paths in it start at its folder.

    Raises:
        MissingModelFileError: if there is no such file.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        if not self.path.is_file():
            raise MissingModelFileError(f'The manifest "{self.path}" does not exist; name the JSONL file.')

    def scan(self) -> Iterator[tuple[int, Parsed]]:
        """See `RowSource`; empty lines are passed over."""
        ledger, offset = Ledger(), 0
        with self.path.open("rb") as lines:
            for line_number, line in enumerate(lines, start=1):
                if line.strip():
                    yield offset, ledger.admit(parse_row(line, self.path.name, line_number))
                offset += len(line)

    def row(self, number: int) -> Row:
        """See `RowSource`."""
        with self.path.open("rb") as lines:
            lines.seek(number)
            return _known(parse_row(lines.readline(), self.path.name, 0))

    def read(self, number: int, name: str) -> bytes:
        """See `RowSource`; a link that leads out of the manifest's folder counts as not there."""
        folder = self.path.resolve().parent
        file = (folder / name).resolve()
        if not file.is_relative_to(folder):
            raise FileNotFoundError(f"{name} leads out of the manifest's folder")
        return file.read_bytes()


class ShardRows:
    """The rows of uncompressed tar files in webdataset's layout.

    Files of one sample follow each other and share their path up to the first dot of the file's name. `NAME.json` is the
    row; the paths in it name files of the same sample (`NAME.jpg`, `NAME.parse0.png`).

    Args:
        patterns: paths with `*` and `{000..099}`, which are filled in and sorted.
        folder: where relative paths start.

    Raises:
        MissingModelFileError: if a pattern fits no file.
    """

    def __init__(self, patterns: Sequence[str], folder: str | Path = ".") -> None:
        self.shards = tuple(shard for pattern in patterns for shard in find_shards(pattern, Path(folder)))
        self._shard, self._start = array("q"), array("q")  # of every sample; a million take 16 MB

    def scan(self) -> Iterator[tuple[int, Parsed]]:
        """See `RowSource`; a shard that breaks off gives what lies before the break."""
        ledger = Ledger()
        self._shard, self._start = array("q"), array("q")
        for index, shard in enumerate(self.shards):
            place = 0
            try:
                for place, sample in enumerate(_samples(shard), start=1):
                    self._shard.append(index)
                    self._start.append(sample.start)
                    yield len(self._start) - 1, ledger.admit(_parse(sample, shard, place))
            except (tarfile.TarError, OSError) as error:
                text = f"cannot be read further ({error}); write this shard again, as an uncompressed tar file"
                yield -1, _unreadable(shard, place + 1, text)

    def row(self, number: int) -> Row:
        """See `RowSource`."""
        shard, sample = self._sample(number)
        return _known(_parse(sample, shard, 0))

    def read(self, number: int, name: str) -> bytes:
        """See `RowSource`."""
        shard, sample = self._sample(number)
        return sample.read(shard, name)

    def _sample(self, number: int) -> tuple[Path, _Sample]:
        shard = self.shards[self._shard[number]]
        try:
            return shard, next(_samples(shard, self._start[number]))
        except (tarfile.TarError, StopIteration) as error:
            raise OSError(f"{shard.name} cannot be read any more ({error}).") from error


@dataclass(frozen=True, slots=True)
class _Sample:
    """One sample of a shard: where its first header lies, and its files as name → (offset, size), all in bytes."""

    start: int
    files: Mapping[str, tuple[int, int]]

    def read(self, shard: Path, name: str) -> bytes:
        if name not in self.files:
            raise FileNotFoundError(f"{name} is not in its sample of {shard.name}")
        offset, size = self.files[name]
        with shard.open("rb") as stream:
            stream.seek(offset)
            content = stream.read(size)
        if len(content) < size:
            raise OSError(f"{name} is cut off in {shard.name}")
        return content


def _samples(shard: Path, start: int = 0) -> Iterator[_Sample]:
    """The samples of a shard from a byte on."""
    with shard.open("rb") as stream:
        stream.seek(start)
        with tarfile.open(fileobj=stream, mode="r:") as archive:
            files = (member for member in iter(archive.next, None) if member.isfile())
            for _, group in groupby(files, _sample_name):
                members = list(group)
                yield _Sample(members[0].offset, {member.name: (member.offset_data, member.size) for member in members})


def _sample_name(member: tarfile.TarInfo) -> str:
    folder, slash, name = member.name.rpartition("/")
    return folder + slash + name.partition(".")[0]


def _parse(sample: _Sample, shard: Path, place: int) -> Parsed:
    rows = [name for name in sample.files if name.endswith(".json")]
    if len(rows) != 1:
        text = f"has {len(rows)} .json files among {', '.join(sample.files)}; give each sample one, its row"
        return _unreadable(shard, place, text)
    parsed = parse_row(sample.read(shard, rows[0]), shard.name, place)
    if parsed.row and parsed.row.image not in sample.files:
        text = f'is "{parsed.row.image}", which is not among the files of its sample: {", ".join(sample.files)}'
        return parsed.with_errors([("image", text)])
    return parsed


def _unreadable(shard: Path, place: int, text: str) -> Parsed:
    return Parsed(shard.name, place, None, ()).with_errors([("", text)])


def _known(parsed: Parsed) -> Row:
    if parsed.row is None:
        raise OSError(f"the data changed while it was used: {parsed.faults[0]}")
    return parsed.row


def find_shards(pattern: str, folder: Path) -> list[Path]:
    """The files that a pattern stands for, sorted.

    Raises:
        MissingModelFileError: if there is none.
    """
    found = sorted(
        {Path(name) for spelled in _spell_out(pattern) for name in glob.glob(str(folder / Path(spelled).expanduser()))}
    )
    if not found:
        raise MissingModelFileError(f'No shard fits "{pattern}" in {folder}; name tar files that exist.')
    return found


def _spell_out(pattern: str) -> list[str]:
    """Fill in the first `{000..099}` of a pattern, and the others after it."""
    match = _RANGE.search(pattern)
    if not match:
        return [pattern]
    first, last = match.groups()
    numbers = range(int(first), int(last) + 1)
    return [
        spelled
        for number in numbers
        for spelled in _spell_out(f"{pattern[: match.start()]}{number:0{len(first)}d}{pattern[match.end() :]}")
    ]
