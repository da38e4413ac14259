"""Partial files say whose they are, and those of the dead go."""

from __future__ import annotations

import subprocess
import sys

import pytest
from likeness.models.errors import InvalidSettingError
from likeness.models.partial import PARTIAL, partial_of, remove_left_over, unwritten


def test_what_a_dead_process_left_goes_and_all_else_stays(tmp_path):
    with subprocess.Popen([sys.executable, "-c", "pass"]) as dead:
        dead.wait()
    mine = partial_of(tmp_path / "a.bin")
    kept = [
        mine,
        tmp_path / f"a.bin.another-computer-{dead.pid}{PARTIAL}",
        tmp_path / f"a.bin.{dead.pid}{PARTIAL}",
        tmp_path / f"a{PARTIAL}",
        tmp_path / "a.bin",
    ]
    gone = mine.with_name(mine.name.replace(mine.name.split("-")[-1], f"{dead.pid}{PARTIAL}"))
    for path in (*kept, gone):
        path.touch()
    remove_left_over(tmp_path.iterdir())
    assert sorted(tmp_path.iterdir()) == sorted(kept)


def test_what_the_disk_does_not_take_is_told(tmp_path):
    with pytest.raises(InvalidSettingError, match=r'a" cannot be written \(No space left on device\); make room'):
        raise unwritten(tmp_path / "a", OSError(28, "No space left on device"))
    assert "(first line)" in str(unwritten(tmp_path / "a", RuntimeError("first line\nsecond")))
