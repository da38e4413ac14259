"""A file is told by what is in it, whatever its name."""

from __future__ import annotations

import json

import pytest
import torch
from likeness.models.doctor.recognition import Recognised, recognise
from likeness.tests.models.doctor import small_models
from likeness.tests.models.doctor.small_models import put
from likeness.tests.models.face import synthetic_detectors


@pytest.mark.parametrize(
    ("tensors", "kind", "base", "encoder"),
    [
        (small_models.checkpoint(768), "base model", "SD1.5", ""),
        (small_models.checkpoint(2048), "base model", "SDXL", ""),
        (small_models.checkpoint(1024), "base model", "SD2", ""),
        (small_models.faceid(), "faceid", "SD1.5", ""),
        (small_models.plain_adapter(768, 1024), "image prompt", "SD1.5", "ViT-H"),
        (small_models.plain_adapter(2048, 1280), "image prompt", "SDXL", "ViT-bigG"),
        (small_models.face_adapter(2048, 1280), "IP-Adapter FaceID Plus", "SDXL", "ViT-H"),
        (small_models.face_adapter(4096, 1152), "IP-Adapter FaceID Plus", "models whose text is 4096 wide", "an image encoder 1152 wide"),
        (small_models.consistentid(2048), "ConsistentID", "SDXL", "ViT-H"),
        (small_models.clip_vision(1280), "CLIP vision", "", "ViT-H"),
        (small_models.clip_vision(1664), "CLIP vision", "", "ViT-bigG"),
        (small_models.clip_vision(1024), "CLIP vision", "", "ViT-L"),
        (small_models.weights(visual__class_embedding=(1024,)), "CLIP vision", "", "ViT-L"),
        (small_models.weights(visual__layer1__0__conv1__weight=(2, 2)), "CLIP vision", "", ""),
        (small_models.weights(prd_embedding=(1, 1, 2), transformer_blocks__0__a=(1,), proj_in__weight=(2, 1280)), "prior", "", "ViT-bigG"),
        (small_models.weights(layer__weight=(8, 9), layer__bias=(4, 2048), attention__1__to_k__weight=(2, 2)), "FaceStudio", "SDXL", ""),
        (small_models.weights(fusion__weight=(768, 1792), fusion__bias=(768,)), "OmniPortrait", "SD1.5", ""),
    ],
)  # fmt: skip
@pytest.mark.parametrize("name", ["any.safetensors", "any.bin"])
def test_a_file_is_recognised_with_what_it_goes_with(tmp_path, tensors, kind, base, encoder, name):
    found = recognise(put(tmp_path, name, tensors))
    assert (found.kind, found.base, found.encoder, found.fault) == (kind, base, encoder, "")


@pytest.mark.parametrize("role", ["scrfd", "yunet", "arcface", "sface"])
def test_graphs_are_recognised_by_what_they_take_and_give(tmp_path, role):
    path = tmp_path / "any.onnx"
    getattr(synthetic_detectors, role)(path)
    assert recognise(path).kind == role


def test_weights_of_something_else_are_described_and_no_fault(tmp_path):
    found = recognise(put(tmp_path, "any.safetensors", small_models.weights(encoder__a=(1,))))
    assert found == Recognised(description=found.description)
    assert "encoder.a" in found.description


@pytest.mark.parametrize("name", ["any.safetensors", "any.bin", "any.onnx"])
@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"<!DOCTYPE html><html><body>Log in</body></html>", "web page"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:0", "git-lfs pointer"),
        (b"", "is empty"),
        (b'{"error": "not found"}', "is text"),
    ],
    ids=["a web page", "a pointer", "empty", "a message"],
)
def test_what_is_no_model_file_is_damaged(tmp_path, name, content, said):
    path = tmp_path / name
    path.write_bytes(content)
    found = recognise(path)
    assert found.damaged
    assert said in found.fault
    assert name in found.fault


@pytest.mark.parametrize("name", ["any.safetensors", "any.bin"])
def test_a_file_that_was_cut_off_is_damaged(tmp_path, name):
    path = put(tmp_path, name, {"a": torch.ones(1000)})
    path.write_bytes(path.read_bytes()[:-300])
    found = recognise(path)
    assert found.damaged
    assert "truncated or damaged" in found.fault


@pytest.mark.parametrize("shape", [[2**62, 2**62], [-4], ["a"], [1.5]])
def test_a_header_that_boasts_is_damaged(tmp_path, shape):
    header = json.dumps({"a": {"dtype": "F32", "shape": shape, "data_offsets": [0, 4]}}).encode()
    path = tmp_path / "any.safetensors"
    path.write_bytes(len(header).to_bytes(8, "little") + header + bytes(4))
    assert recognise(path).damaged


def test_a_header_that_claims_more_bytes_than_there_are_is_damaged(tmp_path):
    header = json.dumps({"a": {"dtype": "F32", "shape": [4], "data_offsets": [0, 10**18]}}).encode()
    path = tmp_path / "any.safetensors"
    path.write_bytes(len(header).to_bytes(8, "little") + header + bytes(4))
    found = recognise(path)
    assert found.damaged
    assert "1000000000000000000 bytes" in found.fault


def test_a_file_is_looked_at_again_when_it_changes(tmp_path):
    path = tmp_path / "any.safetensors"
    path.write_bytes(b"<html>")
    assert recognise(path).damaged
    put(tmp_path, "any.safetensors", small_models.faceid())
    assert recognise(path).kind == "faceid"


def test_a_file_that_is_not_there_is_a_fault_and_no_error(tmp_path):
    assert recognise(tmp_path / "none.bin").damaged


def test_a_name_that_it_is_to_have_counts_and_is_the_one_that_is_told(tmp_path):
    path = tmp_path / ".any.part"
    path.write_bytes(b"<html>")
    assert 'The file "any.onnx" is a web page' in recognise(path, "any.onnx").fault
