"""IP-Adapter FaceID from a configuration: which networks, which data, and what an adapter says of them."""

from __future__ import annotations

from typing import Any

import pytest
import torch

pytest.importorskip("diffusers")
pytest.importorskip("onnx")
pytest.importorskip("insightface")

from likeness.models.errors import InvalidSettingError, UnknownCheckpointError
from likeness.models.ip_adapter.checkpoint import load
from likeness.tests.models.face import synthetic_detectors
from likeness.tests.training.ip_adapter.small_faceid import write_recogniser
from likeness.tests.training.small_files import write_config, write_data, write_models
from likeness.training.assembly import assemble
from likeness.training.config.file import read_config
from likeness.training.export import export
from likeness.training.ip_adapter.method import Dropping, FaceID
from likeness.training.methods import CONFIGS

KEYS = {
    "method__name": "ip-adapter-faceid", "base__clip_vision": None, "base__backbone": None,
    "base__recogniser": "models/arcface.onnx",
}  # fmt: skip
SAMPLES = {
    "samples__every": 1, "samples__prompts": ["a woman", "a man"], "samples__references": ["000004#0", "000004#1"],
    "samples__steps": 1, "samples__seeds": [0],
}  # fmt: skip


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Models, pictures, and the export of a method that learned nothing."""
    made = tmp_path_factory.mktemp("files")
    write_models(made / "models")
    write_recogniser(made / "models" / "arcface.onnx")
    write_data(made / "data")
    export(
        assembled(made, method__rank=2).method.weights(), made / "first.safetensors", details={}, dtype=torch.float32
    )
    return made


def assembled(folder, **keys):
    return assemble(read_config(write_config(folder, **KEYS, **keys), CONFIGS), torch.device("cpu"))


def test_the_method_is_new_and_as_it_was_asked_for(folder):
    parts = assembled(folder, method__rank=3, method__drop_face=0.5, method__drop_text=0.25, method__drop_both=0.1)
    method = parts.method
    assert isinstance(method, FaceID)
    assert method.dropping == Dropping(face=0.5, text=0.25, both=0.1)
    assert method.lora.pairs()[0]["q"][0].shape[0] == 3
    assert method.projection.vector_width == 512
    assert len(parts.dataset) == 4  # pictures of one person
    assert parts.details == {"recogniser": "arcface.onnx"}
    assert parts.sheet is None


def test_a_batch_of_the_data_gives_a_loss(folder):
    parts = assembled(folder, method__rank=2)
    batch = parts.encode([parts.dataset[0], parts.dataset[1]])
    assert batch.vectors.shape == (2, 512)
    assert parts.method(batch)["loss"].isfinite()


def test_the_sheet_draws_each_person_under_each_prompt(folder):
    sheet = assembled(folder, method__rank=2, **SAMPLES).sheet
    assert len(sheet.sitters) == 2
    assert not sheet.together
    assert not torch.equal(sheet.sitters[0].features, sheet.sitters[1].features)
    [sitter], texts = sheet.sitters[:1], sheet.text
    batch = sheet.seat(["a woman", "a man", ""], texts, [sitter], 64)
    assert torch.equal(batch.vectors, sitter.features.expand(3, -1))
    assert torch.equal(batch.empty, texts.tokens[-1:])
    grid = sheet.draw()
    assert grid.ndim == 3


def test_nothing_is_read_twice_where_a_cache_is_asked_for(folder):
    parts = assembled(folder, method__rank=2, data__cache="cache")
    assert parts.dataset[0].pixels is not None
    parts.encode([parts.dataset[0]])
    again = parts.dataset[0]
    assert (again.pixels, again.people[0].pixels) == (None, None)


def test_training_goes_on_from_an_export(folder):
    method: Any = assembled(folder, method__init_from="first.safetensors").method
    first: Any = load(folder / "first.safetensors")
    assert torch.equal(method.projection.proj[0].weight, first.projection.proj[0].weight)
    with pytest.raises(InvalidSettingError, match=r'rank is 4, but the LoRA of "first.safetensors" has 2'):
        assembled(folder, method__rank=4, method__init_from="first.safetensors")


def test_a_file_that_is_no_recogniser_is_refused_before_anything_is_encoded(folder):
    synthetic_detectors.landmarks(folder / "models" / "other.onnx")
    config = read_config(write_config(folder, **{**KEYS, "base__recogniser": "models/other.onnx"}), CONFIGS)
    with pytest.raises(UnknownCheckpointError, match=r'"other.onnx" is no ArcFace model'):
        assemble(config, torch.device("cpu"))
