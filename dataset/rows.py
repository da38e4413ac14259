"""Where rows and their files come from: a JSONL manifest beside a folder of files, or tar shards in webdataset's layout.

Both are read through once at the start and remember only where each row lies, so that a million rows fit into memory
and any row can be read at any time. That makes the order of training a matter of arithmetic (`order.py`).
"""

from __future__ import annotations

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
from .regular import MOST_BYTES, MOST_LINE, read_regular, resolved
from .shard_names import find_shards

# What tarfile raises at headers of any content, beside its own errors.
BROKEN = (tarfile.TarError, OSError, ValueError, OverflowError, IndexError, MemoryError, RecursionError)


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
            line_number = 0
            while line := lines.readline(MOST_LINE):
                line_number += 1
                start, offset = offset, offset + len(line)
                if len(line) == MOST_LINE and not line.endswith(b"\n"):
                    while (rest := lines.readline(MOST_LINE)) and not rest.endswith(b"\n"):
                        offset += len(rest)
                    offset += len(rest)
                    text = f"has more than {MOST_LINE:,} bytes; write one JSON object per line"
                    yield start, Parsed(self.path.name, line_number, None, ()).with_errors([("", text)])
                elif line.strip():
                    yield start, ledger.admit(parse_row(line, self.path.name, line_number))

    def row(self, number: int) -> Row:
        """See `RowSource`."""
        with self.path.open("rb") as lines:
            lines.seek(number)
            return _known(parse_row(lines.readline(MOST_LINE), self.path.name, 0))

    def read(self, number: int, name: str) -> bytes:
        """See `RowSource`; a link that leads out of the manifest's folder counts as not there."""
        folder = resolved(self.path).parent
        file = resolved(folder / name)
        if not file.is_relative_to(folder):
            raise FileNotFoundError(f"{name} leads out of the manifest's folder")
        return read_regular(file)


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
            except BROKEN as error:
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
        except (*BROKEN, StopIteration) as error:
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
        if size > MOST_BYTES:
            raise OSError(f"{name} has {size:,} bytes, and at most {MOST_BYTES:,} are read")
        with shard.open("rb") as stream:
            stream.seek(offset)
            content = stream.read(size)
        if len(content) < size:
            raise OSError(f"{name} is cut off in {shard.name}")
        return content


class _Member(tarfile.TarInfo):
    """A file of an archive; tarfile itself goes back and round for ever where a size is negative."""

    def _block(self, count: int) -> int:
        if count < 0:
            raise tarfile.ReadError("a size is negative")
        return -(-count // tarfile.BLOCKSIZE) * tarfile.BLOCKSIZE


def _samples(shard: Path, start: int = 0) -> Iterator[_Sample]:
    """The samples of a shard from a byte on."""
    with shard.open("rb") as stream:
        stream.seek(start)
        with tarfile.open(fileobj=stream, mode="r:", tarinfo=_Member) as archive:
            broken: list[Exception] = []
            for _, group in groupby(_files(archive, broken), _sample_name):
                members = list(group)
                yield _Sample(members[0].offset, {member.name: (member.offset_data, member.size) for member in members})
            if broken:
                raise broken[0]


def _files(archive: tarfile.TarFile, broken: list[Exception]) -> Iterator[tarfile.TarInfo]:
    """The files of an archive up to its end, or to where it breaks off: then the error is put into `broken`."""
    while True:
        try:
            member = archive.next()
        except BROKEN as error:
            broken.append(error)
            return
        if member is None:
            return
        if member.isfile():
            yield member


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
