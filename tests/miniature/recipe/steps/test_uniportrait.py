"""Both stages of the miniature's UniPortrait: what a seed decides, what is kept, and what a stage leaves alone."""

from __future__ import annotations

from dataclasses import replace

import pytest

pytest.importorskip("diffusers")

from likeness.miniature.ablations.experiments import SUMMED
from likeness.miniature.recipe.arms import StageOneArm, StageTwoArm
from likeness.miniature.recipe.pool_files import PoolFiles
from likeness.miniature.recipe.recipe import Recipe
from likeness.models.uniportrait.checkpoint import load
from likeness.tests.miniature.small_base import base as base
from likeness.tests.miniature.small_base import frozen_faces, same
from likeness.tests.miniature.small_recipe import FEW_STEPS, small_settings
from likeness.training.uniportrait.people import NOTHING_DROPPED
from likeness.training.uniportrait.stage2 import Routing

SETTINGS = small_settings(replace(FEW_STEPS, decay=0.998), files=PoolFiles(pictures=4))


@pytest.fixture(scope="module")
def faces():
    return frozen_faces(8)


@pytest.fixture(scope="module")
def whole(base, faces, tmp_path_factory):
    """A recipe where both stages are done, and their weights."""
    recipe = Recipe(tmp_path_factory.mktemp("whole"), SETTINGS)
    return recipe, recipe.stage_one(base, faces), recipe.stage_two(base, faces)


def test_a_seed_decides_both_stages(base, faces, whole, tmp_path):
    _, faceid, router = whole
    again = Recipe(tmp_path, SETTINGS)
    assert same(again.stage_two(base, faces), router) == set(router)
    assert same(again.stage_one(base, faces), faceid) == set(faceid)


def test_stage_two_begins_with_stage_one_and_trains_routers_and_lora(whole):
    _, faceid, router = whole
    adapter = load(faceid, router)
    assert adapter.multi_lora is not None
    assert len(adapter.routers) == len(adapter.face_attention) == 7
    keys = {key for key in router if "_lora." in key}
    assert keys == {key for key in faceid if "_lora." in key}
    assert same({key: faceid[key] for key in keys}, router) == set()
    assert not any(key.startswith("faceid_proj.") or "_faceid." in key for key in router)


def test_a_stage_leaves_the_base_as_it_was(base, faces, tmp_path):
    before = {key: tensor.clone() for key, tensor in base.unet.state_dict().items()}
    recipe = Recipe(tmp_path, SETTINGS)
    recipe.stage_two(base, faces)
    assert same(before, base.unet.state_dict()) == set(before)
    assert not any(module._forward_hooks or module._forward_pre_hooks for module in base.unet.modules())
    assert not any(parameter.requires_grad for parameter in base.unet.parameters())


def test_what_is_finished_is_not_trained_again(base, faces, whole):
    recipe, faceid, router = whole
    done = recipe.folder / "uniportrait stage I.safetensors", recipe.folder / "uniportrait stage II.safetensors"
    written = [path.stat().st_mtime_ns for path in done]
    assert same(recipe.stage_one(base, faces), faceid) == set(faceid)
    assert same(recipe.stage_two(base, faces), router) == set(router)
    assert [path.stat().st_mtime_ns for path in done] == written


@pytest.mark.parametrize(
    "arm",
    [StageOneArm(" kept", dropping=NOTHING_DROPPED), StageOneArm(" global", is_global=True)],
    ids=lambda arm: arm.suffix,
)
def test_another_arm_of_stage_one_is_trained_beside_the_first(base, faces, whole, arm):
    recipe, faceid, _ = whole
    other = recipe.stage_one(base, faces, arm)
    assert other.keys() == faceid.keys()
    assert len(same(other, faceid)) < len(faceid)
    assert same(recipe.stage_one(base, faces), faceid) == set(faceid)


@pytest.mark.parametrize(
    "arm",
    [StageTwoArm(" without", routing=Routing(weight=0.0)), SUMMED],
    ids=lambda arm: arm.suffix,
)
def test_another_arm_of_stage_two_is_trained_beside_the_first(base, faces, whole, arm):
    recipe, _, router = whole
    other = recipe.stage_two(base, faces, arm)
    assert len(same(other, router)) < len(router)
    assert same(recipe.stage_two(base, faces), router) == set(router)
