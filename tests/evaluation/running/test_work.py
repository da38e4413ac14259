"""One process draws and measures what is not finished, and nothing else."""

from __future__ import annotations

import pytest
from likeness.evaluation.running.work import Work, find_kit, work_on
from likeness.models.errors import BadImageError
from likeness.tests.evaluation.small_kit import HOME, KIT, write

LOGGED = {"drawing": 'host = "painter"\nlog = "log.txt"\n'}


def drawn(folder):
    path = folder / "log.txt"
    return path.read_text().split() if path.exists() else []


def test_what_is_finished_is_not_drawn_again(tmp_path):
    path, told = write(tmp_path, LOGGED), []
    work = Work.begin(path, KIT)
    work.draw([0, 3], lambda: told.append(1))
    assert drawn(tmp_path) == ["0000-000-0", "0000-001-1"]
    Work.begin(path, KIT).draw(range(4), lambda: told.append(1))
    assert drawn(tmp_path) == ["0000-000-0", "0000-001-1", "0000-000-1", "0000-001-0"]
    assert len(told) == 6


def test_what_is_measured_is_kept(tmp_path):
    work = Work.begin(write(tmp_path), KIT)
    work.draw(range(2), lambda: None)
    work.measure("face_similarity", range(2), lambda: None)
    key = work.metric("face_similarity").key
    found = [work.store.values("face_similarity", key, each) for each in work.plan[:3]]
    assert all(-1 <= values["value"] <= 1 for values in found[:2])
    assert found[2] is None


def test_a_task_finds_its_kit_by_the_name_of_a_module(tmp_path):
    assert find_kit(HOME) is KIT
    path = write(tmp_path, LOGGED)
    work_on(path, HOME, None, [2], lambda: None)
    work_on(path, HOME, "face_similarity", [2], lambda: None)
    assert drawn(tmp_path) == ["0000-001-0"]
    assert (tmp_path / "run" / "values" / "face_similarity" / "0000-001-0.json").is_file()


def test_a_photo_that_cannot_be_read_is_named(tmp_path):
    work = Work.begin(write(tmp_path), KIT)
    photo = tmp_path / "people" / "ada" / "photo.png"
    photo.write_bytes(b"no picture")
    with pytest.raises(BadImageError, match=f'The photo "photo.png" in {photo.parent} cannot be read'):
        work.photo(photo)
