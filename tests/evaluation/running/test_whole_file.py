"""Files are whole or not there."""

from __future__ import annotations

import pytest
from likeness.evaluation.running import whole_file
from likeness.evaluation.running.whole_file import write_whole


def test_a_file_is_written_into_folders_that_are_made(tmp_path):
    path = tmp_path / "a" / "b"
    assert write_whole(path, b"one") == path
    write_whole(path, b"two")
    assert path.read_bytes() == b"two"
    assert list(path.parent.iterdir()) == [path]


def test_what_was_there_stays_until_the_new_file_is_whole(tmp_path, monkeypatch):
    path = write_whole(tmp_path / "a", b"old")

    def die(_):
        raise KeyboardInterrupt

    monkeypatch.setattr(whole_file.os, "fsync", die)
    with pytest.raises(KeyboardInterrupt):
        write_whole(path, b"new")
    assert path.read_bytes() == b"old"
