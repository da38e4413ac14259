"""What both packs are told, and the face that stands for a detector's."""

from __future__ import annotations

import sys
from dataclasses import replace
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from likeness.models.ip_adapter.block_weights import block_factors, read_numbers
from likeness.models.port.attention import AttentionSite
from likeness.tools.peers import ip_adapter
from likeness.tools.peers.ip_adapter import (
    BLOCKS,
    OneFace,
    OneVector,
    Setting,
    apply_ours,
    apply_theirs,
    lora_beside,
    picture_of,
)
from likeness.tools.weights.write import FACEID_PLUS, IP_ADAPTER_PLUS

FACE = Setting(file=FACEID_PLUS, strength=0.8, structure=0.5, start=0.25)
PICTURE = Setting(file=IP_ADAPTER_PLUS, strength=1.3, start=0.5)


@pytest.fixture(autouse=True)
def no_files(monkeypatch):
    monkeypatch.setattr(ip_adapter, "make", lambda file: file.path)


@pytest.fixture
def pack(monkeypatch):
    """A module that looks like the other pack, whose nodes give back their own name and what they were told."""
    made = ModuleType("a_pack")

    def node(name):
        return type(
            name, (), {"apply_ipadapter": lambda self, model, adapter, **given: (name, (model, adapter, given))}
        )

    made.NODE_CLASS_MAPPINGS = {name: node(name) for name in ("IPAdapterAdvanced", "IPAdapterFaceID")}
    monkeypatch.setitem(sys.modules, "a_pack.utils", SimpleNamespace(ipadapter_model_loader=lambda path: path))
    return made


def test_faces_go_to_that_pack_s_node_for_faces(pack):
    applied: Any = apply_theirs(pack, "model", "vision", FACE)
    name, (model, adapter, given) = applied
    assert (name, model, adapter) == ("IPAdapterFaceID", "model", FACEID_PLUS.path)
    assert (given["weight"], given["weight_faceidv2"], given["start_at"], given["end_at"]) == (0.8, 0.5, 0.25, 1.0)
    assert isinstance(given["insightface"], OneFace)
    assert given["image"].shape == (1, 512, 512, 3)


def test_pictures_go_to_that_pack_s_other_node(pack):
    applied: Any = apply_theirs(pack, "model", "vision", PICTURE)
    name, (_, adapter, given) = applied
    assert (name, adapter) == ("IPAdapterAdvanced", IP_ADAPTER_PLUS.path)
    assert (given["weight"], given["start_at"], given["clip_vision"]) == (1.3, 0.5, "vision")
    assert not {"insightface", "weight_faceidv2"} & given.keys()


@pytest.fixture
def told(monkeypatch):
    """What our own code is told."""
    from likeness.host.ip_adapter import adapter, application

    told = {}

    def apply(model, ip_adapter, people, **given):
        told.update(given, people=people)
        return SimpleNamespace(model=model)

    monkeypatch.setattr(ip_adapter, "load", lambda source, **_: source)
    monkeypatch.setattr(adapter, "new_ip_adapter", lambda adapter, **_: adapter)
    monkeypatch.setattr(application, "apply", apply)
    return told


@pytest.mark.comfy
def test_ours_is_told_the_same_of_a_face_and_shown_the_very_crop(told):
    crop = torch.arange(224 * 224 * 3).reshape(1, 224, 224, 3).remainder(256) / 255
    assert apply_ours("model", "vision", replace(FACE, lora=0.6), crop) == "model"
    (person,) = told["people"]
    assert (told["strength"], told["lora_strength"], told["pictures"]) == (0.8, 0.6, None)
    assert (told["looking"].s_scale, told["looking"].negative, person.settings.start_percent) == (0.5, "black", 0.25)
    ((photo, face),) = person.shown
    assert np.array_equal(face.crop, (np.arange(224 * 224 * 3) % 256).reshape(224, 224, 3))
    assert photo.picture.shape == (512, 512, 3)


@pytest.mark.comfy
def test_ours_is_told_the_same_of_a_picture(told):
    apply_ours("model", "vision", PICTURE, None)
    assert (told["pictures"].strength, told["pictures"].start_percent, len(told["people"])) == (1.3, 0.5, 0)
    assert torch.equal(told["pictures"].pictures, picture_of(PICTURE))
    assert told["looking"].negative == "black"
    assert len(told["blocks"]) == 16


@pytest.mark.comfy
def test_ours_acts_in_all_blocks_where_none_is_named(told):
    apply_ours("model", "vision", PICTURE, None, blocks="")
    assert told["blocks"] == "linear"


def test_the_middle_block_alone_is_left_out():
    blocks = [
        *(("input", place, 0) for place in range(6)),
        ("middle", 0, 0),
        *(("output", place, 0) for place in range(9)),
    ]
    sites = [
        AttentionSite(kind="cross", block=block, index=2 * place + 1, channels=8, path="")
        for place, block in enumerate(blocks)
    ]
    factors = block_factors(read_numbers(BLOCKS), sites)
    assert [index for index, factor in factors.items() if factor == 0] == [13]
    assert {factor for index, factor in factors.items() if index != 13} == {1.0}


def test_the_face_is_always_the_same_and_has_the_vector_that_our_recogniser_gives():
    ((first,), (second,)) = (OneFace().get(np.zeros((8, 8, 3), np.uint8)) for _ in range(2))
    assert np.array_equal(first.embedding, second.embedding)
    assert np.linalg.norm(first.normed_embedding) == pytest.approx(1)
    assert np.linalg.norm(first.embedding) > 10
    assert first.kps.shape == (5, 2)
    vectors = OneVector().vectors([None, None], [None, None])
    assert np.array_equal(vectors.numpy(), np.stack([first.embedding] * 2))


def test_nobody_has_to_resize_the_picture_that_is_followed():
    assert picture_of(PICTURE).shape == (1, 224, 224, 3)
    assert picture_of(FACE).shape == (1, 512, 512, 3)
    assert 0 <= picture_of(FACE).min() < picture_of(FACE).max() <= 1


def test_the_lora_beside_has_every_matrix_of_the_adapter_under_its_other_name():
    layers = {
        f"{index}.to_{part}_lora.{half}.weight": torch.tensor(float(index))
        for index in range(32)
        for part in ("q", "k", "v", "out")
        for half in ("down", "up")
    }
    beside = lora_beside(layers)
    assert len(beside) == len(layers)
    first, last = (
        "lora_unet_down_blocks_0_attentions_0_transformer_blocks_0_attn1_to_q.lora_down.weight",
        "lora_unet_mid_block_attentions_0_transformer_blocks_0_attn2_to_out_0.lora_up.weight",
    )
    assert (beside[first], beside[last]) == (0, 31)
