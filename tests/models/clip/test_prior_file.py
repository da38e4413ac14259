"""Files of priors: told by their keys, described by their metadata, refused in one sentence."""

from __future__ import annotations

import json

import pytest
import torch
from likeness.models.clip.prior_file import PriorDescription, load
from likeness.models.errors import (
    CorruptModelFileError,
    InvalidSettingError,
    MissingModelFileError,
    UnknownCheckpointError,
)
from likeness.models.weights.reading import read_metadata
from likeness.models.weights.signatures import PRIOR, known_files
from likeness.models.weights.state_dict import identify
from likeness.tests.models.clip.small_priors import HEAD, random_weights
from likeness.tests.models.ip_adapter.small_files import adapter_file
from safetensors.torch import save_file

OURS = PriorDescription(clamp=3.0, dim_head=HEAD, space="drawn", projected=False)


@pytest.fixture
def written(tmp_path):
    """Writes weights under a name that says nothing; gives the path."""

    def write(weights, metadata=None, name="diffusion_pytorch_model.safetensors"):
        path = tmp_path / name
        if path.suffix == ".safetensors":
            save_file(weights, path, metadata)
        else:
            torch.save(weights, path)
        return path

    return write


def test_a_prior_is_told_by_its_keys():
    assert identify(random_weights(), known_files()).kind == PRIOR


@pytest.mark.parametrize(("embedding", "clamp", "space"), [(768, 5.0, "ViT-L/14"), (1280, 10.0, "ViT-bigG/14")])
@pytest.mark.parametrize("name", ["prior.safetensors", "diffusion_pytorch_model.bin"])
def test_a_published_layout_brings_its_clamp_and_space(embedding, clamp, space, name, written):
    weights = random_weights(1, embedding=embedding, width=64)
    found = load(written({key: tensor.half() for key, tensor in weights.items()}, name=name))
    assert found.description == PriorDescription(clamp=clamp, space=space)
    assert found.network.sizes.embedding == embedding
    assert {parameter.dtype for parameter in found.network.parameters()} == {torch.float32}


def test_a_file_of_ours_says_what_no_tensor_tells(written):
    path = written(random_weights(), OURS.metadata())
    found = load(path)
    assert found.description == OURS
    assert found.network.sizes.dim_head == HEAD
    assert PriorDescription.from_metadata(read_metadata(path), "it") == OURS
    torch.testing.assert_close(dict(found.network.state_dict()), random_weights())


def test_a_file_that_says_nothing_has_no_description():
    assert PriorDescription.from_metadata({"format": "pt"}, "it") is None


@pytest.mark.parametrize(
    "said",
    [
        "no json",
        "[]",
        json.dumps({"dim_head": 8}),
        json.dumps({"clamp": 0}),
        json.dumps({"clamp": "5"}),
        json.dumps({"clamp": 5, "dim_head": 0}),
        json.dumps({"clamp": 5, "dim_head": 8.5}),
        json.dumps({"clamp": 5, "space": 7}),
        json.dumps({"clamp": 5, "projected": "no"}),
        json.dumps({"clamp": 5, "steps": 25}),
    ],
)
def test_metadata_that_do_not_fit_are_refused(said, written):
    with pytest.raises(UnknownCheckpointError, match=r'says in its metadata \("prior"\) something .*export it again'):
        load(written(random_weights(), {"prior": said}))


@pytest.mark.parametrize("value", [0, -1.0, float("nan"), float("inf"), True, "5"])
def test_a_clamp_is_a_number_above_0(value):
    with pytest.raises(InvalidSettingError, match="clamp is"):
        PriorDescription(clamp=value)


def test_nothing_says_what_another_width_is_clamped_to():
    with pytest.raises(UnknownCheckpointError, match="embeddings 10 wide, as no published prior does"):
        load(random_weights(width=64))


def test_eclipse_s_prior_is_named(written):
    weights = {key: tensor for key, tensor in random_weights().items() if not key.startswith("time_embedding.")}
    with pytest.raises(UnknownCheckpointError, match="ECLIPSE"):
        load(written(weights))


def test_a_swapped_file_is_told_where_it_belongs(written):
    path = written(
        {f"image_proj.{key}": tensor for key, tensor in adapter_file("plain")["image_proj"].items()}
        | {f"ip_adapter.{key}": tensor for key, tensor in adapter_file("plain")["ip_adapter"].items()}
    )
    with pytest.raises(
        UnknownCheckpointError,
        match=r'is not a prior .*which belongs .*Choose a prior .* in "prior" of Predict Image Embedding',
    ):
        load(path)


def test_a_foreign_file_is_refused(written):
    with pytest.raises(UnknownCheckpointError, match="is not a prior from text to picture embeddings"):
        load(written({"weight": torch.zeros(2)}))


def test_a_file_without_some_tensors_is_refused(written):
    weights = random_weights()
    del weights["transformer_blocks.1.attn1.to_q.weight"]
    with pytest.raises(UnknownCheckpointError, match=r"missing \(transformer_blocks\.1\.attn1\.to_q\.weight\)"):
        load(written(weights, OURS.metadata()))


@pytest.mark.parametrize("name", ["prior.safetensors", "prior.bin"])
def test_a_truncated_file_is_refused(name, written):
    path = written(random_weights(), name=name)
    path.write_bytes(path.read_bytes()[:-1000])
    with pytest.raises(CorruptModelFileError, match="truncated or damaged"):
        load(path)


def test_a_web_page_and_a_missing_file_are_refused(tmp_path):
    path = tmp_path / "prior.safetensors"
    with pytest.raises(MissingModelFileError, match="does not exist"):
        load(path)
    path.write_text("<!DOCTYPE html>", encoding="utf-8")
    with pytest.raises(CorruptModelFileError, match="web page"):
        load(path)
