"""One run in a folder."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys

import pytest
from likeness.models.errors import InvalidSettingError
from likeness.training.run_lock import LOCK, only_run

HOLD = """
import sys
from pathlib import Path
from likeness.training.run_lock import only_run
with only_run(Path(sys.argv[1])):
    print("held", flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def holder(tmp_path):
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(tmp_path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "held\n"
    yield process
    process.kill()
    process.communicate()


def test_a_second_run_is_told_of_the_first(tmp_path, holder):
    wanted = rf"is in use by another run \(process {holder.pid} on {socket.gethostname()}\); wait until it has ended"
    with pytest.raises(InvalidSettingError, match=wanted), only_run(tmp_path):
        pass
    holder.send_signal(signal.SIGKILL)
    holder.wait()
    with only_run(tmp_path):  # the dead do not hold it
        assert json.loads((tmp_path / LOCK).read_bytes()) == {"process": os.getpid(), "computer": socket.gethostname()}


@pytest.mark.parametrize("said", [b"", b"[]", b"\xff" * 4000, b'{"process": 4, "computer": "another-computer"}'])
def test_what_others_left_in_the_file_holds_nobody_up(tmp_path, said):
    (tmp_path / LOCK).write_bytes(said)
    with only_run(tmp_path):
        assert json.loads((tmp_path / LOCK).read_bytes())["process"] == os.getpid()


def test_a_holder_that_says_nothing_is_told_all_the_same(tmp_path, holder):
    (tmp_path / LOCK).write_bytes(b"")
    with pytest.raises(InvalidSettingError, match=r"another run \(it does not say which\)"), only_run(tmp_path):
        pass


def test_what_is_no_folder_is_told(tmp_path):
    (tmp_path / "file").touch()
    for output in (tmp_path / "file", tmp_path / "file" / "below", tmp_path / ("x" * 5000)):
        with pytest.raises(InvalidSettingError, match=r"\[run\] output .* cannot be written"), only_run(output):
            pass
