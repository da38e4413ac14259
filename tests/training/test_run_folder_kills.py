"""A run that is killed at any step of a checkpoint's life goes on, and what it was going on from is never lost."""

from __future__ import annotations

import resource

import pytest
from likeness.models.errors import InvalidSettingError
from likeness.tests.training.killing import killed_at
from likeness.training.run_folder import checkpoint_to_resume, checkpoints, clean, write_checkpoint
from likeness.training.seal import damage, step_of


def write(output, step, keep=2):
    def put(folder):
        for name in ("model", "optimizer"):
            (folder / name).write_bytes(f"{name} of {step}".encode() * 100)

    write_checkpoint(output, step, keep, put, is_main=True, wait=lambda: None)


def names(folder):
    return sorted(path.name for path in folder.iterdir())


@pytest.mark.parametrize("keep", [1, 2])
@pytest.mark.parametrize("step", [4, 3])  # a new one, or one that takes the place of an old one
def test_a_kill_at_any_step_loses_nothing(tmp_path, keep, step):
    kills, came_back = 0, set()
    while True:
        output = tmp_path / f"{kills:03d}"
        for old in (1, 2, 3):
            write(output, old, keep)
        if not killed_at(kills + 1, output, lambda where=output: write(where, step, keep)):
            break
        kills += 1
        assert kills < 200
        clean(output)
        newest = checkpoint_to_resume(output, "auto")
        assert newest is not None
        assert damage(newest) == ""
        came_back.add(step_of(newest))
        assert all(name.removeprefix("step-").isdigit() for name in names(output / "checkpoints"))
        write(output, 5, keep)
        assert step_of(checkpoints(output)[-1][1]) == 5
    assert kills > 20
    assert came_back == ({3, 4} if step == 4 else {3})


def test_a_kill_while_it_is_cleaned_up_loses_nothing(tmp_path):
    kills = 0
    while True:
        output = tmp_path / f"{kills:03d}"
        for old in (1, 2):
            write(output, old)
        folder = output / "checkpoints"
        (folder / "step-00000002").rename(folder / "step-00000002.gone")
        (folder / "step-00000003.partial").mkdir()
        (folder / "step-00000003.partial" / "model").touch()
        if not killed_at(kills + 1, output, lambda where=output: clean(where)):
            break
        kills += 1
        clean(output)
        assert [step for step, _ in checkpoints(output)] == [1, 2]
        assert names(folder) == ["step-00000001", "step-00000002"]
    assert kills > 2


def test_what_versions_before_left_half_deleted_goes(tmp_path):
    for step in (5, 6):
        write(tmp_path, step)
    (tmp_path / "checkpoints" / "step-00000004").mkdir()
    (tmp_path / "checkpoints" / "step-00000004" / "optimizer.bin").touch()
    clean(tmp_path)
    assert names(tmp_path / "checkpoints") == ["step-00000005", "step-00000006"]


def test_a_full_disk_is_told_and_nothing_is_lost(tmp_path):
    write(tmp_path, 1)
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (500, limits[1]))
    try:
        with pytest.raises(
            InvalidSettingError, match=r"step 2 cannot be written .*File too large.* goes on from step 1"
        ):
            write(tmp_path, 2)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert names(tmp_path / "checkpoints") == ["step-00000001"]
    assert checkpoint_to_resume(tmp_path, "auto") == checkpoints(tmp_path)[0][1]
    write(tmp_path, 2)
    assert [step for step, _ in checkpoints(tmp_path)] == [1, 2]


def test_a_place_that_is_no_folder_is_told(tmp_path):
    (tmp_path / "checkpoints").touch()
    with pytest.raises(InvalidSettingError, match=r"step 1 cannot be written .*no checkpoint was written yet"):
        write(tmp_path, 1)


@pytest.mark.parametrize("name", ["model", "optimizer", "progress.json"])
@pytest.mark.parametrize("kind", ["flip", "cut", "lose"])
def test_a_damaged_newest_one_is_named_with_the_way_back(tmp_path, name, kind):
    for step in (1, 2, 3):
        write(tmp_path, step, keep=3)
    (_, first), (_, second), (_, third) = checkpoints(tmp_path)
    spoil(third / name, kind)
    with pytest.raises(InvalidSettingError) as refused:
        checkpoint_to_resume(tmp_path, "auto")
    assert f'"{third}" cannot be gone on from (it is damaged: {name} is ' in str(refused.value)
    assert f'to go on from step 2, write below [run]: resume = "{second.as_posix()}", or' in str(refused.value)
    assert checkpoint_to_resume(tmp_path, second.as_posix()) == second
    assert checkpoint_to_resume(tmp_path, "newest whole") == second
    spoil(second / "model", "flip")
    with pytest.raises(InvalidSettingError, match="to go on from step 1"):
        checkpoint_to_resume(tmp_path, "auto")
    spoil(first / "model", "cut")
    with pytest.raises(InvalidSettingError, match="none of the others is whole, so choose another output folder"):
        checkpoint_to_resume(tmp_path, "auto")
    with pytest.raises(InvalidSettingError, match="holds no checkpoint that is whole"):
        checkpoint_to_resume(tmp_path, "newest whole")
    with pytest.raises(InvalidSettingError, match=r"that \[run\] resume names cannot be gone on from"):
        checkpoint_to_resume(tmp_path / "elsewhere", first)


def spoil(path, kind):
    content = bytearray(path.read_bytes())
    if kind == "lose":
        path.unlink()
        return
    content[len(content) // 2] ^= kind == "flip"
    path.write_bytes(content[:-3] if kind == "cut" else content)


def test_one_of_an_older_version_is_named(tmp_path):
    write(tmp_path, 1)
    (tmp_path / "checkpoints" / "step-00000001" / "progress.json").write_text('{"step": 1}', encoding="utf-8")
    with pytest.raises(
        InvalidSettingError, match=r"by an older version, with pickles, .* choose another output folder"
    ):
        checkpoint_to_resume(tmp_path, "auto")
