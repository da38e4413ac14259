"""Runs of FaceStudio and its prior that are killed in the middle go on to the very file that they would have made."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch

pytest.importorskip("diffusers")
pytest.importorskip("onnx")
pytest.importorskip("insightface")

from likeness.tests.training.facestudio.prior.small_prior import write_tower
from likeness.tests.training.facestudio.small_facestudio import write_style
from likeness.tests.training.ip_adapter.small_faceid import write_recogniser
from likeness.tests.training.small_files import write_config, write_data, write_models
from likeness.training.run_folder import checkpoints
from safetensors.torch import load_file

STEPS, PATIENCE = 12, 120.0
COMMON = {
    "base__clip_vision": None, "base__backbone": None, "base__style": ["models/style.safetensors"], "data__cache": "cache",
    "run__steps": STEPS, "run__save_every": 1, "ema__decay": 0.9, "export__dtype": "fp32", "optimizer__accumulate": 2,
}  # fmt: skip
FACESTUDIO = {"method__name": "facestudio", "base__recogniser": "models/arcface.onnx"}
KINDS = {
    "light": {**FACESTUDIO, "method__rank": 2},
    "full": {**FACESTUDIO, "method__form": "full"},
    "prior": {
        "method__name": "facestudio-prior", "base__checkpoint": None, "base__text_tower": "models/tower.safetensors",
        "method__width": 24, "method__dim_head": 8, "method__depth": 1,
    },
}  # fmt: skip


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    made = tmp_path_factory.mktemp("files")
    write_models(made / "models")
    write_recogniser(made / "models" / "arcface.onnx")
    write_style(made / "models" / "style.safetensors")
    write_tower(made / "models" / "tower.safetensors")
    write_data(made / "data")
    return made


def start(config: Path) -> subprocess.Popen[str]:
    environment = os.environ | {"OMP_NUM_THREADS": "1", "ACCELERATE_USE_CPU": "true", "CUDA_VISIBLE_DEVICES": ""}
    command = [sys.executable, "-m", "likeness.training", str(config)]
    return subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


def finish(config: Path) -> None:
    process = start(config)
    told, _ = process.communicate(timeout=PATIENCE)
    assert process.returncode == 0, told[-3000:]


@pytest.mark.long
@pytest.mark.parametrize("kind", KINDS)
def test_a_killed_run_goes_on_to_the_identical_file(folder, kind):
    def config(name: str) -> Path:
        output = f"{kind}-{name}"
        return write_config(folder, f"{output}.toml", **{**COMMON, **KINDS[kind], "run__output": output})

    killed, whole = config("killed"), config("whole")
    process, until = start(killed), time.monotonic() + PATIENCE
    while len(checkpoints(folder / f"{kind}-killed")) < 2:
        assert process.poll() is None
        assert time.monotonic() < until
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    assert process.returncode == -signal.SIGKILL
    [*_, (step, _)] = checkpoints(folder / f"{kind}-killed")
    assert step < STEPS
    finish(killed)
    finish(whole)
    [file] = (folder / f"{kind}-whole").glob("*.safetensors")
    broken, expected = load_file(folder / f"{kind}-killed" / file.name), load_file(file)
    assert broken.keys() == expected.keys()
    assert all(torch.equal(broken[key], expected[key]) for key in expected)
