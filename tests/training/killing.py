"""Processes of this one that are killed at a step of what they do with the disk."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path

STEPS = ("open", "os.rename", "os.remove", "os.rmdir", "os.mkdir", "shutil.rmtree", "os.truncate")


def killed_at(number: int, place: Path, act: Callable[[], object]) -> bool:
    """Do something in a child that is killed before its disk step of a number, from 1; whether it came so far.

    Args:
        number: of the step: opening, writing to the disk, renaming, deleting or making anything below the folder.
        place: the folder.
        act: what to do.
    """
    child = os.fork()
    if child == 0:
        count = 0

        def step(path: object = "") -> None:
            nonlocal count
            count += str(path).startswith(str(place)) or isinstance(path, int)
            if count == number:
                os.kill(os.getpid(), signal.SIGKILL)

        sync = os.fsync

        def fsync(handle: int) -> None:
            step(handle)
            sync(handle)
            step(handle)

        os.fsync = fsync
        sys.addaudithook(lambda event, values: step(values[0]) if event in STEPS and values else None)
        try:
            act()
        except BaseException:
            os._exit(3)
        os._exit(0)
    _, status = os.waitpid(child, 0)
    if os.WIFSIGNALED(status):
        assert os.WTERMSIG(status) == signal.SIGKILL
        return True
    assert os.WEXITSTATUS(status) == 0
    return False
