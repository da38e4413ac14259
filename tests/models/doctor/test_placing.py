"""A finished file gets its name whole, and takes nobody else's."""

from __future__ import annotations

import errno
import os

import pytest
from likeness.models.doctor.placing import (
    make_folder,
    megabytes,
    place,
    require_absent,
    require_space,
    writing_failed,
)
from likeness.models.errors import DownloadError, InvalidSettingError


def test_a_part_becomes_the_file(tmp_path):
    part, target = tmp_path / ".x.part", tmp_path / "x"
    part.write_text("new")
    place(part, target)
    assert target.read_text() == "new"
    assert os.listdir(tmp_path) == ["x"]


@pytest.mark.parametrize("links", [True, False], ids=["with hard links", "without"])
def test_a_name_that_was_taken_meanwhile_stays_whose_it_is(tmp_path, monkeypatch, links):
    def refuse(*_):
        raise OSError(errno.EPERM, "no links here")

    if not links:
        monkeypatch.setattr(os, "link", refuse)
    part, target = tmp_path / ".x.part", tmp_path / "x"
    part.write_text("new")
    target.write_text("old")
    with pytest.raises(InvalidSettingError, match="is there already and was left as it is"):
        place(part, target)
    assert (target.read_text(), part.read_text()) == ("old", "new")


def test_a_file_system_without_hard_links_does_as_well(tmp_path, monkeypatch):
    def refuse(*_):
        raise OSError(errno.ENOTSUP, "no links here")

    monkeypatch.setattr(os, "link", refuse)
    part, target = tmp_path / ".x.part", tmp_path / "x"
    part.write_text("new")
    place(part, target)
    assert os.listdir(tmp_path) == ["x"]


def test_a_broken_link_is_something(tmp_path):
    (tmp_path / "x").symlink_to(tmp_path / "nowhere")
    with pytest.raises(InvalidSettingError):
        require_absent(tmp_path / "x")
    require_absent(tmp_path / "y")


def test_room_is_asked_for_with_some_to_spare(tmp_path):
    require_space(tmp_path, 0)
    with pytest.raises(DownloadError, match=r"free and 1000000\.00 GB are needed"):
        require_space(tmp_path, 10**15)


def test_a_folder_is_made_or_the_reason_told(tmp_path):
    make_folder(tmp_path / "a" / "b")
    make_folder(tmp_path / "a" / "b")
    (tmp_path / "file").write_text("")
    with pytest.raises(DownloadError):
        make_folder(tmp_path / "file" / "b")


@pytest.mark.parametrize(
    ("number", "said"),
    [
        (errno.ENOSPC, "The disk of .* is full"),
        (errno.EDQUOT, "The disk of .* is full"),
        (errno.EACCES, "Nothing can be written into"),
        (errno.EROFS, "Nothing can be written into"),
        (errno.EIO, "Writing into .* failed"),
    ],
)
def test_what_a_disk_says_is_one_sentence(tmp_path, number, said):
    error = writing_failed(tmp_path, OSError(number, os.strerror(number)))
    with pytest.raises(DownloadError, match=said):
        raise error


@pytest.mark.parametrize(
    ("count", "shown"),
    [(0, "0 bytes"), (99_999, "99,999 bytes"), (224_000_000, "224.0 MB"), (6_938_078_334, "6.94 GB")],
)
def test_sizes_are_readable(count, shown):
    assert megabytes(count) == shown
