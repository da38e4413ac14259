"""Files that are whole or not there at all, whenever the program ends."""

from __future__ import annotations

import os
import re
import socket
from collections.abc import Generator
from contextlib import contextmanager, suppress
from pathlib import Path

from safetensors import SafetensorError

from ..models.errors import InvalidSettingError, LikenessError, first_line
from .disk import sync_file, sync_folder

PARTIAL = ".partial"
_COMPUTER = re.sub(r"[^A-Za-z0-9-]", "-", socket.gethostname())[
    :40
]  # so that nobody takes another computer's for left over


@contextmanager
def whole_file(path: Path, *, durable: bool = True) -> Generator[Path, None, None]:
    """A place beside a file to write to; afterwards what was written takes the file's name.

    Args:
        path: of the file; its folder is made. Several processes may write the same one.
        durable: whether to wait until it is on the disk; not needed for what can be made again.

    Raises:
        InvalidSettingError: if the disk is full or does not take it.
    """
    partial = path.with_name(f"{path.name}.{_COMPUTER}-{os.getpid()}{PARTIAL}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        yield partial
        if durable:
            sync_file(partial)
        os.replace(partial, path)
        if durable:
            sync_folder(path.parent)
    except (LikenessError, FileNotFoundError):  # the latter where nothing was written
        raise
    except (OSError, SafetensorError, RuntimeError) as error:  # torch.save raises RuntimeError where the disk is full
        reason = (error.strerror if isinstance(error, OSError) else None) or first_line(error)
        raise InvalidSettingError(
            f'"{path}" cannot be written ({reason}); make room there or let this user write, then start again.'
        ) from error
    finally:
        partial.unlink(missing_ok=True)


def remove_partials(folder: Path) -> None:
    """Delete what processes of this computer that live no more left in a folder."""
    pattern = re.compile(rf".+\.{re.escape(_COMPUTER)}-(\d{{1,9}}){re.escape(PARTIAL)}")
    for left in folder.glob(f"*{PARTIAL}"):
        found = pattern.fullmatch(left.name)
        if found and left.is_file() and not _lives(int(found[1])):
            with suppress(OSError):
                left.unlink()


def _lives(process: int) -> bool:
    """Whether a process of this computer runs."""
    if os.name == "nt":
        return False  # a file that is open cannot be deleted there, so nothing is lost by trying
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
