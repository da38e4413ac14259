"""Ways to train that are comparable: the same LoRA and the same frozen weights."""

from __future__ import annotations

import pytest
import torch

pytest.importorskip("diffusers")

from likeness.benchmarks.training.methods import (
    FORMS,
    FULL,
    LIGHT,
    PEOPLE,
    PLAIN,
    new_base,
    new_batch,
    new_method,
    new_step,
)
from likeness.training.uniportrait.config import StageOneConfig, StageTwoConfig

META = torch.device("meta")


@pytest.fixture(scope="module")
def methods():
    base = new_base(META)
    return base, {name: new_method(name, base, 128) for name in PEOPLE}


def count(parameters) -> int:
    return sum(weight.numel() for weight in parameters)


def test_plain_lora_is_as_large_as_that_of_stage_one(methods):
    plain, ours = methods[1][PLAIN], methods[1][StageOneConfig.name]
    assert count(plain.trained()) == count(ours.lora.parameters())


def test_all_ways_share_the_frozen_weights_and_nothing_else(methods):
    base, ways = methods
    ways = {name: way for name, way in ways.items() if name != FULL}
    unets = [way.base.unet for way in ways.values()]
    assert all(unet.conv_in.weight is base.unet.conv_in.weight for unet in unets)
    assert len({id(unet.conv_in) for unet in [base.unet, *unets]}) == len(PEOPLE)
    assert not any(module._forward_hooks or module._forward_pre_hooks for module in base.unet.modules())
    trained = [id(weight) for way in ways.values() for weight in way.trained()]
    assert len(trained) == len(set(trained))
    assert not set(trained) & {id(weight) for weight in base.unet.parameters()}


def test_the_full_form_trains_a_unet_of_its_own(methods):
    base, ways = methods
    trained = set(map(id, ways[FULL].trained()))
    assert {id(weight) for weight in ways[FULL].base.unet.parameters()} < trained
    assert not trained & {id(weight) for weight in base.unet.parameters()}
    alone = new_method(FULL, new_base(META), 4, alone=True)
    assert alone.base.unet.conv_in.weight is alone.unet.conv_in.weight
    assert count(ways[FULL].trained()) == count(base.unet.parameters()) + count(ways[LIGHT].layer.parameters())


@pytest.mark.parametrize("name", FORMS)
def test_facestudio_is_shown_a_style_and_a_face(name, methods):
    batch = new_batch(name, 64)
    assert (batch.style.shape, batch.face.shape, batch.latents.shape) == ((1, 768), (1, 512), (1, 4, 8, 8))
    new_step(methods[1][name], batch)()


def test_a_step_moves_the_weights_and_leaves_no_gradient(methods):
    method = methods[1][PLAIN]
    versions = [weight._version for weight in method.trained()]
    new_step(method, new_batch(PLAIN, 64))()
    assert all(weight._version > version for weight, version in zip(method.trained(), versions, strict=True))
    assert all(weight.grad is None for weight in method.trained())


def test_people_stand_beside_each_other_inside_the_picture():
    batch = new_batch(StageTwoConfig.name, 64)
    left, right = batch.boxes[0]
    assert left[2] <= right[0]
    assert ((batch.boxes >= 0) & (batch.boxes <= 1)).all()
    assert batch.present.tolist() == [[True, True]]
    assert batch.latents.shape == (1, 4, 8, 8)
