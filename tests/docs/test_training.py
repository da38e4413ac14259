"""docs/training.md: its commands lead to adapters, its example row is good, its faults are those of the code."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from likeness.dataset.manifest import PERSON_KEYS, ROW_KEYS, parse_row
from likeness.models.clip import prior_file
from likeness.models.facestudio import checkpoint as facestudio
from likeness.models.ip_adapter import checkpoint as ip_adapter
from likeness.models.omniportrait import checkpoint as omniportrait
from likeness.models.uniportrait.checkpoint import load
from likeness.tests.training.small_files import TOWER, write_data, write_models

MANUAL = (Path(__file__).resolve().parents[2] / "docs" / "training.md").read_text(encoding="utf-8")


def example() -> dict:
    [text] = re.findall(r"```json\n(.*?)```", MANUAL, re.DOTALL)
    return json.loads(text)


def test_the_example_row_has_no_fault():
    parsed = parse_row(json.dumps(example()).encode(), "manifest.jsonl", 1)
    assert parsed.faults == ()
    assert parsed.row is not None


def test_every_key_of_a_row_is_explained():
    rows = " ".join(line.split("|")[1] for line in MANUAL.splitlines() if line.startswith("| `"))
    assert [key for key in (*ROW_KEYS, *PERSON_KEYS) if f"`{key}`" not in rows] == []


def test_the_fault_it_quotes_is_the_one_that_comes():
    entry = example()
    entry["persons"][0]["kps"] = [[1, 2]]
    [fault] = parse_row(json.dumps(entry).encode(), "manifest.jsonl", 3).faults
    assert str(fault) in MANUAL


@pytest.mark.long
def test_its_commands_lead_from_pictures_to_adapters_without_a_hub(tmp_path):
    pytest.importorskip("diffusers")
    [commands] = re.findall(r"```sh\n(.*?)```", MANUAL, re.DOTALL)
    files = re.findall(r"`(\w+\.toml)`[^`]*:\n\n```toml\n(.*?)```", MANUAL, re.DOTALL)
    names = ["base.safetensors", "clip_vision.safetensors", "backbone.bin"]
    assert [name for name, _ in files] == [
        "stage1.toml", "stage2.toml", "pivot.toml", "faceid.toml", "facestudio.toml", "prior.toml",
    ]  # fmt: skip
    for name, text in files[:2]:  # shortened as the manual tells for a first try, and more
        small = text.replace("[data]\n", "[data]\nsize = 64\nbatch_size = 1\nworkers = 1\n")
        (tmp_path / name).write_text(small.replace("[run]\n", "[run]\nsteps = 2\n"), encoding="utf-8")
    write_models(tmp_path / "models")
    for ours, its in zip(names, re.findall(r'"models/(.*?)"', files[0][1]), strict=True):
        (tmp_path / "models" / ours).rename(tmp_path / "models" / its)
    write_data(tmp_path / "data")
    target = tmp_path / "ComfyUI" / "models" / "uniportrait"
    target.mkdir(parents=True)
    hub = tmp_path / "hub"
    hub.mkdir()
    environment = os.environ | {
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}", "HF_HUB_OFFLINE": "1",
        "HF_HOME": str(hub), "OMP_NUM_THREADS": "1", "CUDA_VISIBLE_DEVICES": "", "ACCELERATE_USE_CPU": "true",
    }  # fmt: skip
    shell = ["bash", "-e", "-c", commands]
    run = subprocess.run(shell, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr[-3000:]
    adapter = load(target / "uniportrait-stage1.safetensors", target / "uniportrait-stage2.safetensors")
    assert len(adapter.routers) == 16
    assert not list(hub.iterdir())


def trained(name, folder, monkeypatch):
    """Train what the manual's file of this name says, shortened as it tells for a first try, with these of its models."""
    pytest.importorskip("diffusers")
    from accelerate.state import AcceleratorState
    from likeness.training.__main__ import main

    [text] = re.findall(rf"`{name}.toml`:\n\n```toml\n(.*?)```", MANUAL, re.DOTALL)
    small = text.replace("[data]\n", "[data]\nsize = 64\nbatch_size = 1\nworkers = 0\n")
    (folder / f"{name}.toml").write_text(small.replace("[run]\n", "[run]\nsteps = 1\n"), encoding="utf-8")
    write_models(folder / "models")
    base, *others = re.findall(r'"models/(.*?)"', text)
    if "checkpoint =" in text:
        (folder / "models" / "base.safetensors").rename(folder / "models" / base)
    else:
        others = [base, *others]
    write_data(folder / "data")
    monkeypatch.setenv("ACCELERATE_USE_CPU", "true")
    AcceleratorState._reset_state(True)

    def train(write):
        write(folder / "models", *(folder / "models" / other for other in others))
        assert main([str(folder / f"{name}.toml")]) == 0
        [output] = re.findall(rf"`(runs/{name}/.*?)`", MANUAL)
        return folder / output

    return train


def test_its_pivot_trains(tmp_path, monkeypatch):
    train = trained("pivot", tmp_path, monkeypatch)
    output = train(lambda models, path: (models / "tower.safetensors").rename(path))
    adapter = omniportrait.load(output, tmp_path / "models" / "open_clip_model.safetensors")
    assert adapter.config.width == TOWER.width


def test_its_faceid_trains(tmp_path, monkeypatch):
    pytest.importorskip("onnx")
    pytest.importorskip("insightface")
    from likeness.tests.models.face import synthetic_detectors

    output = trained("faceid", tmp_path, monkeypatch)(lambda models, path: synthetic_detectors.arcface(path))
    adapter = ip_adapter.load(output)
    assert (adapter.face_width, adapter.lacks_lora, len(adapter.attention)) == (512, False, 16)


def test_its_facestudio_trains(tmp_path, monkeypatch):
    pytest.importorskip("onnx")
    pytest.importorskip("insightface")
    from likeness.tests.models.face import synthetic_detectors
    from likeness.tests.training.facestudio.small_facestudio import write_style

    def write(models, style, recogniser):
        write_style(style)
        synthetic_detectors.arcface(recogniser)

    adapter = facestudio.load(trained("facestudio", tmp_path, monkeypatch)(write))
    assert (adapter.layer.num_tokens, adapter.layer.style_width, len(adapter.attention)) == (8, 768, 16)


def test_its_prior_trains(tmp_path, monkeypatch):
    from likeness.tests.training.facestudio.prior.small_prior import write_tower
    from likeness.tests.training.facestudio.small_facestudio import write_style

    def write(models, style, tower):
        write_style(style)
        write_tower(tower)

    found = prior_file.load(trained("prior", tmp_path, monkeypatch)(write))
    assert (found.network.sizes.width, found.network.sizes.depth, found.description.clamp) == (1024, 12, 5.0)
