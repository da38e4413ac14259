"""The shards that a pattern stands for: `*` and `{000..099}` filled in."""

from __future__ import annotations

import glob
import re
from math import prod
from pathlib import Path

from ..models.errors import MissingModelFileError

MOST_NAMES = 100_000  # that a pattern may spell out
_RANGE = re.compile(r"\{(\d{1,9})\.\.(\d{1,9})\}")


def find_shards(pattern: str, folder: Path) -> list[Path]:
    """The files that a pattern stands for, sorted.

    Raises:
        MissingModelFileError: if there is none, one is no file, or the pattern stands for more names than any data set has.
    """
    count = prod(max(0, int(last) - int(first) + 1) for first, last in _RANGE.findall(pattern))
    if count > MOST_NAMES:
        raise MissingModelFileError(
            f'The shards "{_cut(pattern)}" are {count:,} names, and at most {MOST_NAMES:,} are looked for; use * or a smaller range.'
        )
    try:
        found = sorted(
            {
                Path(name)
                for spelled in _spell_out(pattern)
                for name in glob.glob(str(folder / Path(spelled).expanduser()))
            }
        )
        strange = next((shard for shard in found if not shard.is_file()), None)
    except (OSError, RuntimeError, ValueError) as error:  # of a user whom nobody knows, or a name too long
        raise MissingModelFileError(
            f'The shards "{_cut(pattern)}" cannot be looked for ({error}); name tar files.'
        ) from error
    if not found:
        raise MissingModelFileError(f'No shard fits "{_cut(pattern)}" in {folder}; name tar files that exist.')
    if strange is not None:
        raise MissingModelFileError(
            f'The shard "{strange}" is no file, but a pipe, a device or a folder; name tar files.'
        )
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


def _cut(pattern: str) -> str:
    return pattern if len(pattern) <= 120 else f"{pattern[:60]}…{pattern[-60:]}"
