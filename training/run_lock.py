"""One run in a folder at a time: the system holds the lock and lets it go with the process, however that ends."""

from __future__ import annotations

import errno
import json
import logging
import os
import platform
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from ..models.errors import InvalidSettingError

logger = logging.getLogger(__name__)

LOCK = "run.lock"
MOST_BYTES = 1000  # that are read of another run's lock
FAR = 1 << 30  # the byte that Windows locks: behind the text, which others have to read
TAKEN = (errno.EACCES, errno.EAGAIN, errno.EDEADLK)


@contextmanager
def only_run(output: Path) -> Generator[None, None, None]:
    """Hold a folder for this process while it lasts; the folder is made. Its file stays and means nothing by itself.

    Raises:
        InvalidSettingError: if another run holds it, with its process and computer; or the folder cannot be made or written.
    """
    try:
        output.mkdir(parents=True, exist_ok=True)
        stream = (output / LOCK).open("a+b")
    except OSError as error:
        raise InvalidSettingError(
            f'[run] output "{output}" cannot be written ({error.strerror}); choose a folder that this user may write to.'
        ) from error
    with stream:
        try:
            _lock(stream)
        except OSError as error:
            if error.errno in TAKEN:
                raise InvalidSettingError(
                    f'[run] output "{output}" is in use by another run ({_holder(stream)}); wait until it has ended, or choose '
                    "another folder."
                ) from error
            logger.warning(
                '"%s" cannot be locked (%s): see to it that no other run writes there', output, error.strerror
            )
        _sign(stream, output)
        yield


def _lock(stream: IO[bytes]) -> None:
    if os.name == "nt":
        import msvcrt

        stream.seek(FAR)
        msvcrt.locking(stream.fileno(), msvcrt.LK_NBLCK, 1)
    else:
        import fcntl

        fcntl.lockf(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)  # children do not inherit it, so it ends with this process


def _sign(stream: IO[bytes], output: Path) -> None:
    try:
        stream.truncate(0)
        stream.write(json.dumps({"process": os.getpid(), "computer": platform.node()}).encode())
        stream.flush()
    except OSError as error:
        raise InvalidSettingError(
            f'[run] output "{output}" cannot be written ({error.strerror}); make room there, or choose another folder.'
        ) from error


def _holder(stream: IO[bytes]) -> str:
    """Who holds a lock, as far as its file says."""
    try:
        stream.seek(0)
        said = json.loads(stream.read(MOST_BYTES))
        return f"process {int(said['process'])} on {str(said['computer'])[:100]}"
    except (OSError, ValueError, KeyError, TypeError):
        return "it does not say which"
