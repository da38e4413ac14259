"""The miniature's FaceStudio: what a seed decides, what is kept, and what its files are."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

pytest.importorskip("diffusers")

from likeness.miniature.recipe.pool_files import PoolFiles
from likeness.miniature.recipe.recipe import Recipe
from likeness.miniature.recipe.steps.facestudio import RANK
from likeness.miniature.recipe.steps.prior import DESCRIPTION, HEAD
from likeness.miniature.recipe.styles.recipe import StyleArm, StyleRecipe
from likeness.models.clip.prior import EmbeddingPrior
from likeness.models.facestudio.checkpoint import load
from likeness.models.ip_adapter.checkpoint import load as load_ip_adapter
from likeness.models.ip_adapter.kinds import Kind
from likeness.tests.miniature.small_base import base as base
from likeness.tests.miniature.small_base import frozen_faces, hooks_on, same
from likeness.tests.miniature.small_recipe import FEW_STEPS, small_settings
from likeness.training.facestudio.method import Dropping

SETTINGS = small_settings(replace(FEW_STEPS, decay=0.998), files=PoolFiles(pictures=4), pictures=8)
WIDTH, EMBEDDING = 8, 6


@pytest.fixture(scope="module")
def faces():
    return frozen_faces(WIDTH, EMBEDDING)


@pytest.fixture(scope="module")
def recipe_at(base, faces):
    """A builder: the recipe in a folder, on the small base."""

    class OnSmallBase(Recipe):
        def base(self):
            return base

        def faces(self):
            return faces

    return lambda folder, settings=SETTINGS: StyleRecipe(OnSmallBase(folder, settings))


@pytest.fixture(scope="module")
def whole(recipe_at, tmp_path_factory):
    return recipe_at(tmp_path_factory.mktemp("whole"))


def test_a_seed_decides_all_three(recipe_at, whole, tmp_path):
    again = recipe_at(tmp_path / "again")
    other = recipe_at(tmp_path / "other", replace(SETTINGS, seed=1))
    for name in ("facestudio", "style_adapter", "prior"):
        weights = getattr(whole, name)()
        assert same(getattr(again, name)(), weights) == set(weights)
        assert len(same(getattr(other, name)(), weights)) < len(weights)


def test_their_files_are_what_the_nodes_load(whole, base, faces):
    adapter = load(whole.facestudio(), description=whole.description)
    assert adapter.layer.style_width == EMBEDDING
    assert adapter.layer.face_width == WIDTH == whole.description.face_width
    assert adapter.space.name == DESCRIPTION.space
    assert adapter.lora[0]["q"][0].shape[0] == RANK
    assert all(up.any() for pairs in adapter.lora.values() for _, up in pairs.values())  # each has learned
    plain = load_ip_adapter(whole.style_adapter())
    assert (plain.kind, plain.image_width, plain.lora) == (Kind.GLOBAL, EMBEDDING, None)
    prior = EmbeddingPrior.from_state_dict(whole.prior(), dim_head=HEAD)
    assert prior.sizes.embedding == EMBEDDING
    assert hooks_on(base.unet) == []


def test_the_prior_keeps_the_spread_that_was_measured(whole):
    prior = EmbeddingPrior.from_state_dict(whole.prior(), dim_head=HEAD)
    torch.testing.assert_close(prior.clip_mean[0], whole.pairs.embedding.mean(0))
    torch.testing.assert_close(prior.clip_std[0], whole.pairs.embedding.std(0), rtol=1e-3, atol=1e-3)


def test_an_arm_drops_as_it_says(whole, monkeypatch):
    from likeness.miniature.recipe.styles import recipe as style_recipe

    given = []
    monkeypatch.setattr(
        style_recipe, "train_facestudio", lambda *args, dropping: given.append((args[3].steps, dropping))
    )
    whole.facestudio(StyleArm(" drop 0.1", Dropping(style=0.1), steps=7))
    assert given == [(7, Dropping(style=0.1))]
    assert (whole.recipe.folder / "facestudio drop 0.1.safetensors").is_file()
