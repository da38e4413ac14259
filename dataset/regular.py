"""Files of a data set: read where they are files, and no larger than such a file is."""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path

MOST_BYTES = 1 << 29  # of a picture, a map or a table of vectors
MOST_LINE = 1 << 24  # bytes of a row


def read_regular(path: Path, most: int = MOST_BYTES) -> bytes:
    """A file's content.

    Raises:
        OSError: if it cannot be read, is a pipe, a device or a folder, or has more than `most` bytes.
    """
    state = path.stat()
    require_regular(state, path.name)
    if state.st_size > most:
        raise OSError(f"it has {state.st_size:,} bytes, and at most {most:,} are read")
    with path.open("rb") as stream:
        return stream.read(most)


def require_regular(state: os.stat_result, name: str) -> None:
    """Refuse what would block or never end.

    Raises:
        OSError: if it is no file.
    """
    if not stat.S_ISREG(state.st_mode):
        raise OSError(f"{name} is no file, but a pipe, a device or a folder")


def resolved(path: Path) -> Path:
    """A path without links.

    Raises:
        OSError: if links lead in a circle, of which Python makes another error.
    """
    try:
        return path.resolve()
    except (RuntimeError, ValueError) as error:
        raise OSError(errno.ELOOP, f"its links lead in a circle, or its name is none ({error})") from error
