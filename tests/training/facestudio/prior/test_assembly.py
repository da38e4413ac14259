"""FaceStudio's prior from a configuration: a run to its file and on, what the file says of itself, every refusal."""

from __future__ import annotations

import json
from typing import Any

import pytest
import torch

pytest.importorskip("diffusers")
pytest.importorskip("open_clip")

from accelerate.state import AcceleratorState
from likeness.models.clip.prior_file import PriorDescription, load
from likeness.models.errors import InvalidSettingError, UnknownCheckpointError
from likeness.models.weights.head import sha256
from likeness.models.weights.reading import read_metadata
from likeness.tests.models.clip.small_priors import random_weights
from likeness.tests.training.facestudio.prior.small_prior import TOWER, write_tower
from likeness.tests.training.facestudio.small_facestudio import write_style
from likeness.tests.training.small_files import write_config, write_data
from likeness.training.__main__ import main
from likeness.training.assembly import assemble
from likeness.training.config.file import read_config
from likeness.training.facestudio.encode import encode_styles
from likeness.training.methods import CONFIGS
from safetensors.torch import load_file, save_file

KEYS = {
    "method__name": "facestudio-prior", "base__checkpoint": None, "base__clip_vision": None, "base__backbone": None,
    "base__style": ["models/style.safetensors"], "base__text_tower": "models/tower.safetensors", "data__cache": "cache",
}  # fmt: skip
SMALL = {"method__width": 24, "method__dim_head": 8, "method__depth": 1}
NAME = "facestudio-prior.safetensors"


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    made = tmp_path_factory.mktemp("files")
    (made / "models").mkdir()
    write_style(made / "models" / "style.safetensors")
    write_tower(made / "models" / "tower.safetensors")
    write_data(made / "data")
    return made


@pytest.fixture
def folder(files, tmp_path, monkeypatch):
    for name in ("models", "data"):
        (tmp_path / name).symlink_to(files / name)
    monkeypatch.setenv("ACCELERATE_USE_CPU", "true")
    return tmp_path


def assembled(folder, **keys):
    return assemble(read_config(write_config(folder, **{**KEYS, **SMALL, **keys}), CONFIGS), torch.device("cpu"))


def run(folder, **keys) -> int:
    AcceleratorState._reset_state(True)
    return main([str(write_config(folder, **{**KEYS, **SMALL, **keys}))])


def test_the_prior_is_new_and_knows_the_spread_of_the_pictures(folder):
    parts = assembled(folder)
    prior = parts.method.prior
    assert (prior.sizes.width, prior.sizes.depth, prior.sizes.embedding, prior.sizes.text) == (24, 1, 768, TOWER)
    assert len(parts.dataset) == 8
    styles = [parts.dataset[place].people[0] for place in range(8)]
    encoder: Any = parts.encode
    embeddings = encode_styles(encoder.network, styles, encoder.store)
    torch.testing.assert_close(prior.clip_mean[0], embeddings.mean(0), atol=1e-5, rtol=1e-5)
    assert assembled(folder, method__measured=2).method.prior.clip_mean.ne(prior.clip_mean).any()
    assert (parts.sheet, parts.method.base) == (None, None)
    batch = parts.encode([parts.dataset[0], parts.dataset[1]])
    assert parts.method(batch)["loss"].isfinite()


def test_a_run_ends_in_a_file_that_the_node_loads(folder):
    assert run(folder, method__measured=4) == 0
    path = folder / "run" / NAME
    found, metadata = load(path), read_metadata(path)
    assert found.description == PriorDescription(clamp=5.0, dim_head=8, space="ViT-L/14")
    assert (found.network.sizes.depth, found.network.sizes.dim_head) == (1, 8)
    assert (metadata["method"], metadata["step"], "base" in metadata) == ("facestudio-prior", "2", False)
    assert json.loads(metadata["style"])["encoder"] == "vitl"
    assert metadata["text_tower"] == sha256(folder / "models" / "tower.safetensors")


def test_a_run_goes_on_to_the_identical_file(folder):
    keys = {"run__save_every": 1, "ema__decay": 0.9, "export__dtype": "fp32", "method__drop_caption": 0.5}
    assert run(folder, run__output="broken", run__steps=2, **keys) == 0
    assert run(folder, run__output="broken", run__steps=4, **keys) == 0
    assert run(folder, run__output="whole", run__steps=4, **keys) == 0
    broken, whole = (load_file(folder / name / NAME) for name in ("broken", "whole"))
    assert broken.keys() == whole.keys()
    assert all(torch.equal(broken[key], whole[key]) for key in whole)


def test_training_goes_on_from_a_file(folder):
    assert run(folder, run__output="one", export__dtype="fp32") == 0
    keys = {"method__init_from": f"one/{NAME}", "optimizer__learning_rate": 1e-30, "export__dtype": "fp32"}
    assert run(folder, run__output="two", run__seed=3, **keys, **dict.fromkeys(SMALL)) == 0
    before, after = (load_file(folder / name / NAME) for name in ("one", "two"))
    assert all(torch.allclose(before[key], after[key], rtol=0, atol=1e-20) for key in before)
    assert load(folder / "two" / NAME).description == load(folder / "one" / NAME).description


def test_a_prior_of_other_networks_is_refused(folder, tmp_path):
    save_file(
        random_weights(embedding=768),
        tmp_path / "other.safetensors",
        PriorDescription(clamp=5.0, dim_head=8).metadata(),
    )
    message = r'"other.safetensors" predicts embeddings 768 wide from 5 tokens 6 wide, but \[base\] gives .* 77 tokens 64 wide'
    with pytest.raises(InvalidSettingError, match=message):
        assembled(folder, method__init_from="other.safetensors", **dict.fromkeys(SMALL))


def test_one_picture_has_no_spread(folder):
    (folder / "data").unlink()
    write_data(folder / "data", alone=1, pairs=0)
    with pytest.raises(
        InvalidSettingError, match="There is one picture to train on, of which no spread can be measured"
    ):
        assembled(folder)


def test_a_text_encoder_without_a_projection_is_refused(folder):
    with pytest.raises(UnknownCheckpointError, match="CLIP text tower, does not fit"):
        assembled(folder, base__text_tower="models/style.safetensors")
