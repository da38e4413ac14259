"""Files that are whole or not there, whenever a run is killed."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

from ...models.partial import partial_of, unwritten


def write_whole(path: Path, content: bytes) -> Path:
    """Write a file beside its place and rename it into it; return the path.

    Two processes may write the same file at the same time: one of them wins, whole.

    Raises:
        InvalidSettingError: if the disk is full or does not take it.
    """
    beside = partial_of(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with beside.open("wb") as stream:
            stream.write(content)
            stream.flush()
            os.fsync(stream.fileno())
        beside.replace(path)
    except OSError as error:
        with suppress(OSError):
            beside.unlink()
        raise unwritten(path, error) from error
    return path
