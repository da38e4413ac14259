"""Runs in processes of their own: one is killed and goes on, two share a batch."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys

import pytest
import torch

pytest.importorskip("accelerate")

from likeness.tests.training.small_run import config_for, final_state, trained
from likeness.training.run_folder import checkpoints

RUNNER = "likeness.tests.training.small_run"


def environment():
    return os.environ | {"OMP_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1", "CUDA_VISIBLE_DEVICES": ""}


def test_a_run_killed_in_the_middle_goes_on_to_the_identical_state(tmp_path):
    command = [sys.executable, "-m", RUNNER, str(tmp_path / "killed"), "--steps", "6", "--save-every", "2"]
    process = subprocess.Popen(
        [*command, "--stop-after", "3"], env=environment(), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    assert process.stdout is not None
    for line in process.stdout:
        if "waiting to be killed" in line:
            process.send_signal(signal.SIGKILL)
            break
    assert process.wait() == -signal.SIGKILL
    assert [step for step, _ in checkpoints(tmp_path / "killed")] == [2]
    config = config_for(tmp_path / "killed", steps=6, save_every=2)
    resumed = trained(config)
    whole = trained(config_for(tmp_path / "whole", steps=6, save_every=2))
    expected = final_state(whole)
    assert final_state(resumed).keys() == expected.keys()
    assert all(torch.equal(value, expected[key]) for key, value in final_state(resumed).items())


def test_two_processes_equal_one_with_the_same_global_batch(tmp_path):
    launch = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc_per_node", "2", "-m", RUNNER]
    arguments = ["--steps", "3", "--dropping"]
    pair = subprocess.run(
        [*launch, str(tmp_path / "two"), *arguments, "--batch-size", "1"],
        env=environment() | {"ACCELERATE_USE_CPU": "true"}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert pair.returncode == 0, pair.stderr[-3000:]
    alone = config_for(tmp_path / "one", steps=3, batch_size=2, dropping=True)
    losses: list[float] = []
    trained(alone, losses)
    got = json.loads((tmp_path / "two" / "losses.json").read_text())
    assert got["processes"] == 2
    torch.testing.assert_close(torch.tensor(got["losses"]), torch.tensor(losses), atol=1e-5, rtol=1e-5)
