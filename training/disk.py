"""What has reached the disk: files and folders that a power cut leaves as they are, and things that go whole or not at all."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

GONE = ".gone"  # ends the name of a folder that is being deleted


def sync_file(path: Path) -> None:
    """Wait until a file's content is on the disk; raises OSError."""
    with path.open("rb+") as stream:
        os.fsync(stream.fileno())


def sync_folder(path: Path) -> None:
    """Wait until a folder's names are on the disk; raises OSError. Windows has no such thing and keeps them in order itself."""
    if os.name == "nt":
        return
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def rename(path: Path, target: Path) -> None:
    """Give a file or folder another name in the same folder, for good; raises OSError."""
    path.rename(target)
    sync_folder(target.parent)


def remove_folder(path: Path) -> None:
    """Delete a folder under a name that says so, so that what a kill leaves is never taken for the folder; raises OSError."""
    going = path if path.name.endswith(GONE) else path.with_name(path.name + GONE)
    if going != path:
        shutil.rmtree(going, ignore_errors=True)
        rename(path, going)
    shutil.rmtree(going)
