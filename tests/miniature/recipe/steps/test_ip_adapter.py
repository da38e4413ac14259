"""The miniature's IP-Adapter FaceID: what a seed decides, what is kept, what its file is, and what it leaves alone."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

pytest.importorskip("diffusers")

from likeness.miniature.recipe.emphasis import POWER
from likeness.miniature.recipe.face_people import FacePool
from likeness.miniature.recipe.pool_files import PoolFiles
from likeness.miniature.recipe.recipe import Recipe
from likeness.miniature.recipe.steps import ip_adapter
from likeness.miniature.recipe.steps.ip_adapter import RANK, new_faceid, train_faceid
from likeness.models.ip_adapter.checkpoint import load
from likeness.models.ip_adapter.kinds import Kind
from likeness.tests.miniature.small_base import base as base
from likeness.tests.miniature.small_base import frozen_faces, same
from likeness.tests.miniature.small_recipe import FEW_STEPS, small_settings
from likeness.training.ip_adapter.method import PAPERS

SETTINGS = small_settings(replace(FEW_STEPS, decay=0.998), files=PoolFiles(pictures=4))
WIDTH = 8  # of the face vectors


@pytest.fixture(scope="module")
def faces():
    return frozen_faces(WIDTH)


@pytest.fixture(scope="module")
def whole(base, faces, tmp_path_factory):
    """A recipe where it is done, and its weights."""
    recipe = Recipe(tmp_path_factory.mktemp("whole"), SETTINGS)
    return recipe, recipe.ip_adapter(base, faces)


def test_a_seed_decides_it(base, faces, whole, tmp_path):
    again = Recipe(tmp_path, SETTINGS).ip_adapter(base, faces)
    assert same(again, whole[1]) == set(whole[1])
    other = Recipe(tmp_path / "other", replace(SETTINGS, seed=1)).ip_adapter(base, faces)
    assert len(same(other, whole[1])) < len(other)


def test_its_file_is_a_faceid_with_its_lora(base, faces, whole):
    adapter = load(whole[1])
    assert (adapter.kind, adapter.tokens, adapter.lacks_lora) == (Kind.FACEID, 4, False)
    assert adapter.face_width == faces.backbone.tap_channels[-1]
    assert adapter.lora[0]["q"][0].shape[0] == RANK
    assert len(adapter.attention) == 7
    assert all(up.any() for pairs in adapter.lora.values() for _, up in pairs.values())  # each has learned


def test_it_leaves_the_base_as_it_was(base, faces, tmp_path):
    before = {key: tensor.clone() for key, tensor in base.unet.state_dict().items()}
    Recipe(tmp_path, SETTINGS).ip_adapter(base, faces)
    assert same(before, base.unet.state_dict()) == set(before)
    assert not any(module._forward_hooks or module._forward_pre_hooks for module in base.unet.modules())


def test_what_is_finished_is_not_trained_again(base, faces, whole):
    recipe, weights = whole
    done = recipe.folder / "ip-adapter faceid.safetensors"
    written = done.stat().st_mtime_ns
    assert same(recipe.ip_adapter(base, faces), weights) == set(weights)
    assert done.stat().st_mtime_ns == written


def test_it_is_trained_by_the_trainers_own_method(base, faces, whole, tmp_path, monkeypatch):
    given = {}
    monkeypatch.setattr(ip_adapter, "train_attached", lambda *arguments: given.update(enumerate(arguments)))
    pool = FacePool.of(whole[0].people(base, faces, 1))
    networks = new_faceid(base, pool, seed=0)
    train_faceid(base, networks, pool, FEW_STEPS, tmp_path)
    method = given[0]
    assert (method.seed, method.dropping, method.power, method.networks) == (FEW_STEPS.seed, PAPERS, POWER, networks)
    assert (given[1], given[2], given[3]) == (pool, FEW_STEPS, tmp_path)
    with torch.no_grad():
        assert method(pool.batch(base, FEW_STEPS.draws(1)))["loss"].isfinite()
    method.detach()
