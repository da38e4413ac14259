"""Files that are being written beside their place: their names say who writes them, so what a killed process left is known as such."""

from __future__ import annotations

import os
import platform
import re
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from .errors import InvalidSettingError, first_line

PARTIAL = ".partial"
_COMPUTER = re.sub(r"[^A-Za-z0-9-]", "-", platform.node())[:40]
_NAME = re.compile(rf".+\.{re.escape(_COMPUTER)}-(\d{{1,9}}){re.escape(PARTIAL)}")


def partial_of(path: Path) -> Path:
    """Where this process writes what becomes a file; another process has another place for it."""
    return path.with_name(f"{path.name}.{_COMPUTER}-{os.getpid()}{PARTIAL}")


def remove_left_over(files: Iterable[Path]) -> None:
    """Delete partial files of processes of this computer that live no more; those of other computers stay.

    Args:
        files: partial and others.
    """
    for file in files:
        found = _NAME.fullmatch(file.name)
        if found and file.is_file() and not _lives(int(found[1])):
            with suppress(OSError):
                file.unlink()


def unwritten(path: Path, error: Exception) -> InvalidSettingError:
    """What to raise where the disk does not take a file."""
    reason = (error.strerror if isinstance(error, OSError) else None) or first_line(error)
    return InvalidSettingError(
        f'"{path}" cannot be written ({reason}); make room there or let this user write, then start again.'
    )


def _lives(process: int) -> bool:
    """Whether a process of this computer runs."""
    if os.name == "nt":
        return False  # a file that is open cannot be deleted there, so nothing is lost by trying
    try:
        os.kill(process, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except PermissionError:
        return True
    return True
