"""The command that trains, on disks that are full, folders that others use, checkpoints that are damaged: one sentence, nothing lost."""

from __future__ import annotations

import resource
import shutil
import signal
import subprocess
import sys

import pytest
import torch

pytest.importorskip("diffusers")

from likeness.models.partial import partial_of
from likeness.tests.training.small_folder import files as files
from likeness.tests.training.small_folder import folder as folder
from likeness.tests.training.test___main__ import STAGE1, run
from likeness.tests.training.test_run_lock import HOLD
from likeness.training.run_folder import checkpoints
from safetensors.torch import load_file


def same_adapters(folder, *names):
    first, second = (load_file(folder / name / f"{STAGE1}.safetensors") for name in names)
    return first.keys() == second.keys() and all(torch.equal(first[key], second[key]) for key in first)


def one_line(capsys):
    lines = [line for line in capsys.readouterr().err.splitlines() if "cannot" in line or "in use" in line]
    assert len(lines) == 1
    return lines[0]


def test_a_disk_that_is_full_for_a_while(folder, capsys):
    assert run(folder, run__steps=1) == 0
    largest = max(path.stat().st_size for path in (folder / "run").rglob("*.safetensors"))
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (largest // 2, limits[1]))
    try:
        assert run(folder, run__steps=2) == 1
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert "The checkpoint of step 2 cannot be written" in (line := one_line(capsys))
    assert line.endswith("then start again: the same command goes on from step 1.")
    assert [step for step, _ in checkpoints(folder / "run")] == [1]
    assert run(folder, run__steps=3) == 0
    assert run(folder, run__output="whole", run__steps=3) == 0
    assert same_adapters(folder, "run", "whole")


def test_a_folder_that_another_run_uses(folder, capsys):
    (folder / "run").mkdir()
    command = [sys.executable, "-c", HOLD, str(folder / "run")]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as other:
        assert other.stdout is not None
        other.stdout.readline()
        assert run(folder) == 1
        assert f"is in use by another run (process {other.pid} on " in one_line(capsys)
        other.send_signal(signal.SIGKILL)
    assert run(folder) == 0


def test_a_damaged_newest_checkpoint(folder, capsys):
    assert run(folder, run__steps=3, run__save_every=1) == 0
    shutil.copytree(folder / "run", folder / "whole")
    (folder / "run" / f"{STAGE1}.safetensors").unlink()
    (_, second), (_, third) = checkpoints(folder / "run")[1:]
    (third / "optimizer.safetensors").write_bytes((third / "optimizer.safetensors").read_bytes()[:-1])
    assert run(folder, run__steps=3) == 1
    assert f'resume = "{second.as_posix()}"' in one_line(capsys)
    assert run(folder, run__steps=3, run__resume="newest whole") == 0
    assert same_adapters(folder, "run", "whole")
    capsys.readouterr()
    assert run(folder, run__steps=3) == 0


def test_an_output_that_is_a_file(folder, capsys):
    (folder / "run").touch()
    assert run(folder) == 1
    assert "cannot be written (File exists); choose a folder" in one_line(capsys)


def test_logs_that_cannot_be_written(folder, capsys):
    (folder / "run").mkdir()
    (folder / "run" / "logs").touch()
    assert run(folder, logging__tensorboard=True) == 1
    assert "cannot be read or written" in one_line(capsys)


def test_what_killed_runs_left_is_gone_after_the_next(folder):
    assert run(folder, run__steps=1, data__cache="cache") == 0
    with subprocess.Popen([sys.executable, "-c", "pass"]) as dead:
        dead.wait()
    [finished] = {path.parent for path in (folder / "run").glob("checkpoints/step-*/")}
    computer = partial_of(folder).name.split(".")[-2].rpartition("-")[0]
    left = [
        finished / "step-00000002.partial" / "model.safetensors",
        finished / "step-00000000.gone" / "model.safetensors",
        folder / "run" / f"{STAGE1}.safetensors.{computer}-{dead.pid}.partial",
        folder / "cache" / "latents-0" / "sealed" / "ab" / f"abc.safetensors.{computer}-{dead.pid}.partial",
    ]
    others = folder / "cache" / "latents-0" / "sealed" / "ab" / f"abc.safetensors.elsewhere-{dead.pid}.partial"
    for path in (*left, others):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    assert run(folder, run__steps=2, data__cache="cache") == 0
    assert not any(path.exists() for path in left)
    assert others.exists()


def test_a_file_that_may_not_be_read(folder, capsys, monkeypatch):
    def refuse(*_, **__):
        raise PermissionError(13, "Permission denied", "some/file")

    monkeypatch.setattr("likeness.training.__main__.assemble", refuse)
    assert run(folder) == 1
    assert '"some/file" cannot be read or written (Permission denied)' in one_line(capsys)
