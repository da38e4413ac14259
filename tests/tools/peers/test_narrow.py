"""The narrow model beside other packs, our adapters on it, and the stand-ins for what those packs would download."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from likeness.tools.peers import narrow
from likeness.tools.peers.narrow import Applied, FixedCrop, FixedFaces, FixedVision
from likeness.tools.peers.packs import OURS, PEER


class Chain(str):
    """Stands for a MODEL: the names of what was applied, in order."""


@pytest.fixture
def applied():
    """`Applied` with adapters that write down their names, and what they wrote."""
    made = []

    def applier(name):
        def apply(before):
            made.append(Chain(f"{before}+{name}"))
            return made[-1]

        return apply

    return Applied(Chain("model"), {OURS: applier("ours"), PEER: applier("peer")}), made


def test_only_the_last_adapter_is_applied_anew(applied, monkeypatch):
    monkeypatch.setattr(narrow, "sample_two_steps", lambda model, **_: model)
    models, made = applied
    assert models.sample((OURS, PEER), 1) == "model+ours+peer"
    assert models.sample((OURS, PEER), 2) == "model+ours+peer"
    assert made == ["model+ours", "model+ours+peer", "model+ours+peer"]
    assert models.sample((PEER, OURS), 3) == "model+peer+ours"
    assert models.sample((), 4) == "model"


def test_the_stand_ins_give_the_same_every_time():
    picture = np.zeros((512, 512, 3), np.uint8)
    first, second = (FixedFaces().get(picture)[0] for _ in range(2))
    assert first.embedding.shape == (512,)
    assert np.array_equal(first.embedding, second["embedding"])
    vision = FixedVision()
    (pooled, hidden), (again, _) = (vision(torch.zeros(1, 3, 336, 336)) for _ in range(2))
    assert pooled.shape == (1, 768)
    assert [each.shape for each in hidden] == [(1, 577, 1024)] * 5
    assert torch.equal(pooled, again)


def test_the_stand_in_for_cropping_gives_the_picture_that_was_read():
    helper, picture = FixedCrop(upscale_factor=1), np.ones((4, 4, 3), np.uint8)
    helper.clean_all()
    helper.read_image(picture)
    helper.get_face_landmarks_5(only_center_face=True)
    helper.align_warp_face()
    assert helper.cropped_faces[0] is picture


@pytest.fixture(scope="module")
def model():
    with torch.inference_mode():
        yield narrow.narrow_model()


@pytest.mark.comfy
def test_the_narrow_model_has_the_layers_of_sdxl(model):
    assert len(narrow._cross_layers(model)) == 70
    assert {width for _, width in narrow._cross_layers(model)} == {64, 128}
    keys = narrow._keys_and_values(model, 24)
    assert len(keys) == 2 * 70
    assert {tuple(tensor.shape) for tensor in keys.values()} == {(64, 24), (128, 24)}


def sample(model):
    return narrow.sample_two_steps(model, side=narrow.SIDE, context=narrow.CONTEXT)


@pytest.fixture(scope="module")
def plain(model):
    torch.set_num_threads(1)
    return sample(model)


@pytest.mark.comfy
@pytest.mark.parametrize("method", ["uniportrait", "consistentid"])
def test_our_adapters_change_what_is_sampled_and_leave_the_plain_model_alone(model, plain, method):
    people = sample(getattr(narrow, method)(model)(model))
    assert torch.isfinite(people).all()
    assert (people - plain).abs().max() > 1e-3
    assert torch.equal(sample(model), plain)
