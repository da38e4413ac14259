"""Files are whole or not there."""

from __future__ import annotations

import resource

import pytest
from likeness.evaluation.running import whole_file
from likeness.evaluation.running.whole_file import write_whole
from likeness.models.errors import InvalidSettingError


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


def test_a_full_disk_is_told_and_leaves_nothing_behind(tmp_path):
    path = write_whole(tmp_path / "a", b"old")
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100, limits[1]))
    try:
        with pytest.raises(InvalidSettingError, match=r"cannot be written \(File too large\)"):
            write_whole(path, bytes(1000))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]
    with pytest.raises(InvalidSettingError, match=r"cannot be written"):
        write_whole(path / "below", b"x")
