"""Putting a finished file where it belongs: whole or not at all, and never over another one."""

from __future__ import annotations

import errno
import os
import shutil
from pathlib import Path

from ..errors import DownloadError, InvalidSettingError, first_line

FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
FORBIDDEN = (errno.EACCES, errno.EPERM, errno.EROFS)
KEPT_FREE = 64 << 20  # bytes that stay free on a disk


def require_absent(target: Path) -> None:
    """Check that a file would not be overwritten.

    Raises:
        InvalidSettingError: if there is something of this name, a broken link too.
    """
    if os.path.lexists(target):
        raise InvalidSettingError(
            f"{target} is there already and was left as it is; rename it or move it away to get another one."
        )


def require_space(folder: Path, needed: int) -> None:
    """Check that a disk has room.

    Args:
        folder: one that exists on that disk.
        needed: bytes that are going to be written.

    Raises:
        DownloadError: naming both numbers.
    """
    free = shutil.disk_usage(folder).free
    if free < needed + KEPT_FREE:
        raise DownloadError(
            f"{folder} has {megabytes(free)} free and {megabytes(needed)} are needed; make room on that disk or use another."
        )


def make_folder(folder: Path) -> None:
    """Make a folder that may be there.

    Raises:
        DownloadError: if it cannot be made or nothing can be written into it.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise writing_failed(folder, error) from error
    if not os.access(folder, os.W_OK):
        raise DownloadError(f"Nothing can be written into {folder}; allow it, or put the file there yourself.")


def place(part: Path, target: Path) -> None:
    """Give a finished file its name.

    Args:
        part: in the folder of the target.
        target: its name.

    Raises:
        InvalidSettingError: if another file has got that name in the meantime; both stay.
        DownloadError: if the folder does not allow it.
    """
    try:
        os.link(part, target)  # refuses a name that is taken, where a rename would overwrite
    except FileExistsError:
        require_absent(target)
        raise
    except OSError:  # a file system without hard links
        require_absent(target)
        try:
            part.rename(target)
        except OSError as error:
            raise writing_failed(target.parent, error) from error
        return
    part.unlink()


def writing_failed(folder: Path, error: OSError) -> DownloadError:
    """One sentence for what a disk says."""
    if error.errno in FULL:
        return DownloadError(f"The disk of {folder} is full ({first_line(error)}); make room and try again.")
    if error.errno in FORBIDDEN:
        return DownloadError(
            f"Nothing can be written into {folder} ({first_line(error)}); allow it, or put the file there yourself."
        )
    return DownloadError(f"Writing into {folder} failed ({first_line(error)}); check the disk and try again.")


def megabytes(count: int) -> str:
    """A number of bytes for a reader."""
    if count < 100_000:
        return f"{count:,} bytes"
    return f"{count / 1e9:.2f} GB" if count >= 1e9 else f"{count / 1e6:.1f} MB"
