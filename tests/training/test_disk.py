"""Folders go whole or stay."""

from __future__ import annotations

import pytest
from likeness.tests.training.killing import killed_at
from likeness.training.disk import GONE, remove_folder, rename, sync_file, sync_folder


def filled(folder):
    folder.mkdir()
    for name in "abc":
        (folder / name).write_text(name, encoding="utf-8")
    return folder


def test_a_folder_is_deleted_with_all_that_an_earlier_kill_left_of_it(tmp_path):
    folder = filled(tmp_path / "old")
    filled(tmp_path / f"old{GONE}")
    remove_folder(folder)
    assert list(tmp_path.iterdir()) == []
    remove_folder(filled(tmp_path / f"other{GONE}"))
    assert list(tmp_path.iterdir()) == []


def test_a_kill_never_leaves_half_a_folder_under_its_name(tmp_path):
    halves = []
    for number in range(1, 50):
        folder = filled(tmp_path / f"old-{number}")
        if not killed_at(number, tmp_path, lambda going=folder: remove_folder(going)):
            break
        left = folder.with_name(folder.name + GONE)
        assert len(list(folder.iterdir())) == 3 if folder.exists() else left.exists()
        halves.append(left.exists())
    assert halves.count(True) > 3
    assert halves.count(False) > 0


def test_renaming_and_waiting_for_the_disk(tmp_path):
    filled(tmp_path / "a")
    sync_file(tmp_path / "a" / "b")
    sync_folder(tmp_path / "a")
    rename(tmp_path / "a", tmp_path / "z")
    assert (tmp_path / "z" / "b").read_text(encoding="utf-8") == "b"
    with pytest.raises(OSError, match="nothing"):
        sync_file(tmp_path / "nothing")
