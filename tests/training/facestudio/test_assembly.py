"""FaceStudio from a configuration: which networks, which data, a run to its file and on, and what the file says of itself."""

from __future__ import annotations

import json
from contextlib import nullcontext
from dataclasses import replace
from typing import Any

import pytest
import torch

pytest.importorskip("diffusers")
pytest.importorskip("onnx")
pytest.importorskip("insightface")

from accelerate.state import AcceleratorState
from likeness.models.errors import InvalidSettingError, UnknownCheckpointError
from likeness.models.facestudio.checkpoint import load
from likeness.models.facestudio.description import Description
from likeness.models.weights.head import sha256
from likeness.models.weights.reading import read_metadata
from likeness.tests.models.face import synthetic_detectors
from likeness.tests.training.facestudio.small_facestudio import write_style
from likeness.tests.training.ip_adapter.small_faceid import write_recogniser
from likeness.tests.training.small_files import write_config, write_data, write_models
from likeness.tests.training.small_pictures import person, row, write_manifest, write_pictures
from likeness.training.__main__ import main
from likeness.training.assembly import assemble
from likeness.training.config.file import read_config
from likeness.training.facestudio.method import Dropping, FaceStudio
from likeness.training.facestudio.start import text_spread
from likeness.training.methods import CONFIGS
from likeness.training.run_folder import checkpoints
from PIL import Image
from safetensors.torch import load_file, save_file

KEYS = {
    "method__name": "facestudio", "base__clip_vision": None, "base__backbone": None, "base__recogniser": "models/arcface.onnx",
    "base__style": ["models/style.safetensors"], "optimizer__accumulate": 1,
}  # fmt: skip
SAMPLES = {
    "samples__every": 2, "samples__references": ["000000", "000004#1"], "samples__steps": 1, "samples__seeds": [0],
}  # fmt: skip


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """Models, and pictures of one person, of two and of nobody."""
    made = tmp_path_factory.mktemp("files")
    write_models(made / "models")
    write_recogniser(made / "models" / "arcface.onnx")
    for seed, name in enumerate(("style", "other")):
        write_style(made / "models" / f"{name}.safetensors", seed=seed)
    write_data(made / "data")
    rows = [json.loads(line) for line in (made / "data" / "manifest.jsonl").read_text().splitlines()]
    more = [{**row(8), "persons": []}, {**row(9), "persons": []}, row(10, person(kps=None))]
    write_pictures(made / "data", more)
    write_manifest(made / "data", rows + more)
    return made


@pytest.fixture
def folder(files, tmp_path, monkeypatch):
    for name in ("models", "data"):
        (tmp_path / name).symlink_to(files / name)
    monkeypatch.setenv("ACCELERATE_USE_CPU", "true")
    return tmp_path


def assembled(folder, **keys):
    return assemble(read_config(write_config(folder, **{**KEYS, **keys}), CONFIGS), torch.device("cpu"))


def run(folder, **keys) -> int:
    AcceleratorState._reset_state(True)
    return main([str(write_config(folder, **{**KEYS, "data__cache": "cache", **keys}))])


def rank(form: str) -> dict[str, Any]:
    return {"method__form": form, "method__rank": 2 if form == "light" else None}


def test_the_method_is_new_and_as_it_was_asked_for(folder):
    parts = assembled(
        folder, method__rank=3, method__drop_style=0.5, method__drop_face=0.25, method__faster=4.0, method__tokens=2
    )
    method = parts.method
    assert isinstance(method, FaceStudio)
    assert method.dropping == Dropping(style=0.5, face=0.25)
    assert method.faster == 4
    assert method.lora.pairs()[0]["q"][0].shape[0] == 3
    assert (method.layer.num_tokens, method.layer.style_width, method.layer.face_width) == (2, 768, 512)
    assert len(parts.dataset) == 6  # of one person and of nobody
    assert parts.sheet is None


def test_tokens_begin_as_large_as_the_texts(folder):
    parts = assembled(folder, method__rank=2)
    batch = parts.encode([parts.dataset[place] for place in range(6)])
    faces = torch.nn.functional.normalize(torch.randn(6, 512, generator=torch.Generator().manual_seed(1)), dim=-1)
    with torch.no_grad():
        found = parts.method.layer(batch.style, faces).std().item()
    wanted = text_spread(parts.method.base.text_encoders)
    assert found == pytest.approx(wanted, rel=0.1)
    assert parts.details["start"]["spread"] == pytest.approx(wanted)
    asked = assembled(folder, method__rank=2, method__start=0.01)
    assert asked.method.layer.weight.std() < 0.1 * parts.method.layer.weight.std()


def test_a_batch_of_the_data_gives_a_loss(folder):
    parts = assembled(folder, method__rank=2)
    batch = parts.encode([parts.dataset[place] for place in range(6)])
    nobody = ~batch.face.any(-1)
    assert nobody.sum() == 2
    assert parts.method(batch)["loss"].isfinite()


def test_the_sheet_draws_each_person_in_their_style_and_without(folder):
    sheet = assembled(folder, method__rank=2, **SAMPLES).sheet
    assert len(sheet.sitters) == 2
    [sitter] = sheet.sitters[:1]
    batch = sheet.seat(["style and face", "face alone", ""], sheet.text, [sitter], 64)
    assert torch.equal(batch.style[0], sitter.features.style[0])
    assert not batch.style[1:].any()
    assert torch.equal(batch.face, sitter.features.face.expand(3, -1))
    assert not torch.equal(sheet.sitters[0].features.style, sheet.sitters[1].features.style)
    assert sheet.draw().ndim == 3


@pytest.mark.parametrize("form", ["light", "full"])
def test_a_run_ends_in_a_file_that_says_what_it_is(folder, form):
    assert run(folder, **rank(form), **SAMPLES) == 0
    path = folder / "run" / "facestudio.safetensors"
    adapter, metadata = load(path), read_metadata(path)
    assert (adapter.description.encoder, adapter.description.recogniser) == ("vitl", "arcface")
    assert adapter.description.sha256 == (sha256(folder / "models" / "style.safetensors"),)
    assert (metadata["format"], metadata["method"], metadata["base"]) == ("likeness/1", "facestudio", "sd15")
    assert metadata["form"] == form
    assert json.loads(metadata["start"])["spread"] > 0
    assert bool(adapter.unet) == (form == "full")
    assert bool(adapter.lora) == (form == "light")
    [(_, checkpoint)] = checkpoints(folder / "run")
    assert load_file(checkpoint / "adapter.safetensors").keys() == load_file(path).keys()
    assert Image.open(folder / "run" / "samples" / "step-00000002.png").size[0] > 512


@pytest.mark.parametrize("form", ["light", "full"])
def test_a_run_goes_on_to_the_identical_file(folder, form):
    keys = {**rank(form), "run__save_every": 1, "ema__decay": 0.9, "export__dtype": "fp32"}
    assert run(folder, run__output="broken", run__steps=2, **keys) == 0
    assert run(folder, run__output="broken", run__steps=4, **keys) == 0
    assert run(folder, run__output="whole", run__steps=4, **keys) == 0
    broken, whole = (load_file(folder / name / "facestudio.safetensors") for name in ("broken", "whole"))
    assert broken.keys() == whole.keys()
    assert all(torch.equal(broken[key], whole[key]) for key in whole)


def test_sdxl_trains_too(folder):
    (folder / "models").unlink()
    write_models(folder / "models", "sdxl")
    write_recogniser(folder / "models" / "arcface.onnx")
    write_style(folder / "models" / "style.safetensors")
    for form in ("light", "full"):
        assert run(folder, run__output=form, **rank(form)) == 0
        adapter = load(folder / form / "facestudio.safetensors")
        assert adapter.pooled is not None
        assert adapter.pooled.empty.any()


@pytest.mark.parametrize("form", ["light", "full"])
def test_training_goes_on_from_a_file(folder, form):
    assert run(folder, run__output="one", export__dtype="fp32", **rank(form)) == 0
    keys = {"method__init_from": "one/facestudio.safetensors", "optimizer__learning_rate": 1e-30}
    assert run(folder, run__output="two", export__dtype="fp32", run__seed=9, method__form=form, **keys) == 0
    before, after = (load_file(folder / name / "facestudio.safetensors") for name in ("one", "two"))
    assert all(torch.allclose(before[key], after[key], rtol=0, atol=1e-20) for key in before)
    started = json.loads(read_metadata(folder / "two" / "facestudio.safetensors")["start"])
    assert started["file"].startswith("facestudio.safetensors ")


def test_what_does_not_fit_the_file_to_start_from_is_refused(folder):
    assert run(folder, run__output="one", **rank("light")) == 0
    start = {"method__init_from": "one/facestudio.safetensors"}
    with pytest.raises(InvalidSettingError, match=r'rank is "4", but "facestudio.safetensors" has "2"'):
        assembled(folder, method__rank=4, **start)
    with pytest.raises(InvalidSettingError, match=r'form is "full", but "facestudio.safetensors" has "light"'):
        assembled(folder, method__form="full", **start)
    with pytest.raises(InvalidSettingError, match=r'tokens is "1", but "facestudio.safetensors" has "8"'):
        assembled(folder, method__tokens=1, **start)
    with pytest.raises(InvalidSettingError, match="was trained with other CLIP models"):
        assembled(folder, base__style=["models/other.safetensors"], **start)


@pytest.mark.parametrize(
    ("changes", "is_refused"),
    [
        ({"activation": "gelu"}, True),
        ({"mean": (0.5, 0.5, 0.5)}, True),
        ({"sha256": ("0" * 64,)}, True),
        ({"sha256": (), "recogniser": "renamed"}, False),
    ],
)
def test_a_file_to_start_from_was_trained_with_the_same_networks_as_far_as_it_says(folder, changes, is_refused):
    first = assembled(folder, method__rank=2)
    described = Description(sha256=(sha256(folder / "models" / "style.safetensors"),), recogniser="arcface")
    flat = {f"{part}.{key}": tensor for part, held in first.method.weights().items() for key, tensor in held.items()}
    save_file(
        {key: tensor.contiguous() for key, tensor in flat.items()},
        folder / "start.safetensors",
        replace(described, **changes).metadata(),
    )
    refusal = (
        pytest.raises(InvalidSettingError, match="was trained with other CLIP models") if is_refused else nullcontext()
    )
    with refusal:
        assembled(folder, method__init_from="start.safetensors")


def test_a_check_counts_people_without_a_face(folder, capsys):
    path = write_config(folder, **KEYS)
    assert main([str(path), "--check"]) == 0
    used = capsys.readouterr().out.splitlines()[-1]
    assert "facestudio trains on 6 of them" in used
    assert "1 with people of whom nobody has face points in the frame" in used


def test_files_that_are_something_else_are_refused(folder):
    synthetic_detectors.landmarks(folder / "other.onnx")
    with pytest.raises(UnknownCheckpointError, match=r'"other.onnx" is no ArcFace model'):
        assembled(folder, base__recogniser="other.onnx")
    with pytest.raises(UnknownCheckpointError, match="CLIP image encoder, does not fit"):
        assembled(folder, base__style=["models/base.safetensors"])
