"""Checkpoints of a run are whole or not there, and it is decided from which one a run goes on."""

from __future__ import annotations

import pytest
from likeness.models.errors import InvalidSettingError
from likeness.training.run_folder import checkpoint_to_resume, checkpoints, read_step, write_checkpoint


def write(output, step, keep=3, *, is_main=True, also=None):
    def put(folder):
        (folder / "state").write_text(str(step), encoding="utf-8")
        if also:
            also(folder)

    write_checkpoint(output, step, keep, put, is_main=is_main, wait=lambda: None)


def steps(output):
    return [step for step, _ in checkpoints(output)]


def test_checkpoints_come_oldest_first_and_the_oldest_go(tmp_path):
    for step in (5, 10, 200):
        write(tmp_path, step, keep=2)
    assert steps(tmp_path) == [10, 200]
    _, newest = checkpoints(tmp_path)[-1]
    assert (newest.name, read_step(newest), (newest / "state").read_text(encoding="utf-8")) == (
        "step-00000200",
        200,
        "200",
    )


def test_a_later_checkpoint_of_another_attempt_stays(tmp_path):
    for step in (1, 2, 9):
        write(tmp_path, step)
    write(tmp_path, 3, keep=1)
    assert steps(tmp_path) == [3, 9]


def test_a_checkpoint_that_was_broken_off_is_none(tmp_path):
    def break_off(folder):
        raise KeyboardInterrupt

    write(tmp_path, 1)
    with pytest.raises(KeyboardInterrupt):
        write(tmp_path, 2, also=break_off)
    (tmp_path / "checkpoints" / "step-00000007").mkdir()
    assert steps(tmp_path) == [1]
    write(tmp_path, 2)
    assert steps(tmp_path) == [1, 2]
    assert not list((tmp_path / "checkpoints").glob("*.partial"))


def test_the_same_step_again_takes_the_place_of_the_old_one(tmp_path):
    write(tmp_path, 1, also=lambda folder: (folder / "old").touch())
    write(tmp_path, 1)
    [(_, folder)] = checkpoints(tmp_path)
    assert not (folder / "old").exists()


def test_other_processes_write_their_part_and_leave_names_alone(tmp_path):
    partial = tmp_path / "checkpoints" / "step-00000001.partial"
    partial.mkdir(parents=True)
    write(tmp_path, 1, is_main=False)
    assert (partial / "state").is_file()
    assert steps(tmp_path) == []


def test_where_a_run_goes_on(tmp_path):
    assert checkpoint_to_resume(tmp_path, "auto") is None
    assert checkpoint_to_resume(tmp_path, "none") is None
    for step in (1, 2):
        write(tmp_path, step)
    (_, first), (_, second) = checkpoints(tmp_path)
    assert checkpoint_to_resume(tmp_path, "auto") == second
    assert checkpoint_to_resume(tmp_path, first) == first
    with pytest.raises(InvalidSettingError, match=r'resume is "none".*up to step 2'):
        checkpoint_to_resume(tmp_path, "none")
    with pytest.raises(InvalidSettingError, match=r"holds no progress\.json"):
        checkpoint_to_resume(tmp_path, tmp_path)
