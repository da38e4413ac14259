"""Only files are read, and only as large as such files are."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from likeness.dataset.regular import MOST_BYTES, read_regular, resolved


def test_a_file_is_read_and_nothing_else(tmp_path):
    (tmp_path / "a").write_bytes(b"abc")
    assert read_regular(tmp_path / "a") == b"abc"
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "zero").symlink_to("/dev/zero")
    for name in ("pipe", "zero", "."):
        with pytest.raises(OSError, match="is no file, but a pipe, a device or a folder"):
            read_regular(tmp_path / name)
    with pytest.raises(OSError, match="No such file"):
        read_regular(tmp_path / "nothing")


def test_a_file_of_any_size_is_not_read(tmp_path):
    with (tmp_path / "sparse").open("wb") as stream:
        stream.truncate(MOST_BYTES + 1)
    with pytest.raises(OSError, match="it has 536,870,913 bytes, and at most 536,870,912 are read"):
        read_regular(tmp_path / "sparse")
    (tmp_path / "a").write_bytes(b"abc")
    with pytest.raises(OSError, match="at most 2 are read"):
        read_regular(tmp_path / "a", 2)


def test_links_in_a_circle_are_the_systems_error(tmp_path):
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    with pytest.raises(OSError, match=r"circle|Too many levels"):
        read_regular(resolved(tmp_path / "loop"))
    assert resolved(Path(tmp_path / "a" / ".." / "b")) == tmp_path.resolve() / "b"
