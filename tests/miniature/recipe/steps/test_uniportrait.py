"""Both stages of the miniature's UniPortrait: what a seed decides, what is kept, and what a stage leaves alone."""

from __future__ import annotations

import pytest
import torch

pytest.importorskip("diffusers")

from likeness.diffusers_host.face_encoder import FaceEncoder
from likeness.miniature.networks.untrained import new_base
from likeness.miniature.recipe import pool_files, stages
from likeness.miniature.recipe.course import Course
from likeness.miniature.recipe.people import PeoplePool
from likeness.miniature.recipe.plan import StageOneArm, StageTwoArm
from likeness.miniature.recipe.stages import Kitchen
from likeness.models.face.iresnet import IResNet
from likeness.models.miniature.sizes import BaseSizes
from likeness.models.uniportrait.checkpoint import load
from likeness.training.uniportrait.people import NOTHING_DROPPED
from likeness.training.uniportrait.stage2 import Routing
from transformers import CLIPVisionConfig, CLIPVisionModel

SIZES = BaseSizes(unet=(32, 32), vae=(16, 16), latent_channels=4, text=16, text_layers=1, text_heads=1)
COURSE = Course(seed=2, steps=2, batch=2, learning_rate=1e-2, warmup=1)
ONE, TWO = "uniportrait stage I", "uniportrait stage II"


@pytest.fixture(scope="module")
def base():
    made = new_base(SIZES, seed=1)
    for module in (made.unet, made.vae, made.text_encoders[0].module):
        module.requires_grad_(False).eval()
    return made


@pytest.fixture(scope="module")
def faces():
    torch.manual_seed(0)
    config = CLIPVisionConfig(
        hidden_size=8, intermediate_size=16, num_hidden_layers=1, num_attention_heads=1, patch_size=56
    )
    backbone = IResNet(4, [(4, 1), (4, 1), (4, 1), (8, 1)]).requires_grad_(False).eval()
    return FaceEncoder(backbone=backbone, image_encoder=CLIPVisionModel(config).requires_grad_(False).eval())


@pytest.fixture(autouse=True)
def small_recipe(monkeypatch):
    monkeypatch.setattr(pool_files, "PART", 4)
    monkeypatch.setattr(stages, "PORTRAYED", 4)
    monkeypatch.setattr(stages, "COURSES", {ONE: COURSE, TWO: COURSE})


@pytest.fixture(scope="module")
def whole(base, faces, tmp_path_factory):
    """A kitchen where both stages are done, and their weights."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(pool_files, "PART", 4)
        patched.setattr(stages, "PORTRAYED", 4)
        patched.setattr(stages, "COURSES", {ONE: COURSE, TWO: COURSE})
        kitchen = Kitchen(tmp_path_factory.mktemp("whole"))
        return kitchen, kitchen.stage_one(base, faces), kitchen.stage_two(base, faces)


def same(weights, other):
    return {key for key in weights if torch.equal(weights[key], other[key])}


def test_a_seed_decides_both_stages(base, faces, whole, tmp_path):
    _, faceid, router = whole
    again = Kitchen(tmp_path)
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
    kitchen = Kitchen(tmp_path)
    kitchen.stage_two(base, faces)
    assert same(before, base.unet.state_dict()) == set(before)
    assert not any(module._forward_hooks or module._forward_pre_hooks for module in base.unet.modules())
    assert not any(parameter.requires_grad for parameter in base.unet.parameters())


def test_what_is_finished_is_not_trained_again(base, faces, whole, monkeypatch):
    kitchen, faceid, router = whole
    monkeypatch.setattr(stages, "train_stage_one", None)
    monkeypatch.setattr(stages, "train_stage_two", None)
    assert same(kitchen.stage_one(base, faces), faceid) == set(faceid)
    assert same(kitchen.stage_two(base, faces), router) == set(router)


@pytest.mark.parametrize(
    "arm",
    [StageOneArm(" kept", dropping=NOTHING_DROPPED), StageOneArm(" global", is_global=True)],
    ids=lambda arm: arm.suffix,
)
def test_another_arm_of_stage_one_is_trained_beside_the_first(base, faces, whole, arm):
    kitchen, faceid, _ = whole
    other = kitchen.stage_one(base, faces, arm)
    assert other.keys() == faceid.keys()
    assert len(same(other, faceid)) < len(faceid)
    assert same(kitchen.stage_one(base, faces), faceid) == set(faceid)


def test_another_arm_of_stage_two_is_trained_beside_the_first(base, faces, whole):
    kitchen, _, router = whole
    other = kitchen.stage_two(base, faces, StageTwoArm(" without", routing=Routing(weight=0.0)))
    assert len(same(other, router)) < len(router)
    assert same(kitchen.stage_two(base, faces), router) == set(router)


def test_the_global_arm_sees_the_mean_of_the_deepest_map():
    generator = torch.Generator().manual_seed(0)
    pool = PeoplePool(
        latents=torch.zeros(3, 4, 2, 2),
        tokens=torch.zeros(3, 77, dtype=torch.int64),
        intrinsic=torch.randn(3, 2, 5, 6, generator=generator),
        structure=torch.randn(3, 2, 7, 8, generator=generator),
        boxes=torch.zeros(3, 2, 4),
        present=torch.ones(3, 2, dtype=torch.bool),
        weights=torch.ones(3, 1, 2, 2),
    )
    seen = StageOneArm(is_global=True).look(pool)
    assert seen.intrinsic.shape == pool.intrinsic.shape
    for place in range(5):
        torch.testing.assert_close(seen.intrinsic[:, :, place], pool.intrinsic.mean(2))
    assert torch.equal(seen.structure, pool.structure)
    assert StageOneArm().look(pool) is pool


def test_the_judge_shares_no_seed_with_what_it_judges(monkeypatch):
    monkeypatch.undo()
    judges = {course.seed for name, course in stages.COURSES.items() if "judge" in name}
    others = {course.seed for name, course in stages.COURSES.items() if "judge" not in name}
    assert len(judges) == 3
    assert judges & (others | {stages.SEED}) == set()
