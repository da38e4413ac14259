"""Processes of this one that are killed at a step of what they do with the disk."""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path

import torch

STEPS = ("open", "os.rename", "os.remove", "os.rmdir", "os.mkdir", "shutil.rmtree", "os.truncate")


LIMIT = 60  # seconds that a child may take


def killed_at(number: int, place: Path, act: Callable[[], object]) -> bool:
    """Do something in a child that is killed before its disk step of a number, from 1; whether it came so far.

    Args:
        number: of the step: opening, writing to the disk, renaming, deleting or making anything below the folder.
        place: the folder.
        act: what to do.
    """
    child = os.fork()
    if child == 0:
        torch.set_num_threads(1)  # threads of this process are none of the child's
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
    status = _ended(child)
    if os.WIFSIGNALED(status):
        assert os.WTERMSIG(status) == signal.SIGKILL
        return True
    assert os.WEXITSTATUS(status) == 0
    return False


def _ended(child: int) -> int:
    """The status that a child ends with."""
    end = time.monotonic() + LIMIT
    while time.monotonic() < end:
        ended, status = os.waitpid(child, os.WNOHANG)
        if ended:
            return status
        time.sleep(0.01)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    raise AssertionError(f"the child did not end in {LIMIT} s")
