"""The miniature's pivot: what a seed decides, what is kept, what its file is, and what it leaves alone."""

from __future__ import annotations

import pytest
import torch

pytest.importorskip("diffusers")
pytest.importorskip("open_clip")

from diffusers.models.attention_processor import AttnProcessor2_0
from likeness.miniature.networks.weights_file import write_weights
from likeness.miniature.recipe import attached
from likeness.miniature.recipe.arms import SHIPPED_PIVOT, PivotArm
from likeness.miniature.recipe.emphasis import POWER
from likeness.miniature.recipe.recipe import Recipe
from likeness.miniature.recipe.steps.omniportrait import CONFIG, LENGTH, new_pivot, train_pivot
from likeness.models.omniportrait.checkpoint import adapter_metadata, adapter_weights, load
from likeness.models.omniportrait.image_encoder import PivotImageEncoder
from likeness.models.weights.state_dict import flatten
from likeness.tests.miniature.small_base import base as base
from likeness.tests.miniature.small_base import hooks_on, same
from likeness.tests.miniature.small_recipe import FEW_STEPS, small_settings
from likeness.training.omniportrait.crops import middle
from likeness.training.omniportrait.method import OmniPortraitPivot, PivotTraining

SETTINGS = small_settings()


@pytest.fixture(scope="module")
def whole(base, tmp_path_factory):
    """A recipe where the pivot is done, and its weights."""
    recipe = Recipe(tmp_path_factory.mktemp("whole"), SETTINGS)
    return recipe, recipe.omniportrait(base)


@pytest.fixture
def pool(base, whole):
    return whole[0].pivot_people(base)


def new_encoder(seed=0):
    torch.manual_seed(seed)
    return PivotImageEncoder(CONFIG)


def test_a_seed_decides_the_pivot(base, whole, tmp_path):
    _, weights = whole
    assert same(Recipe(tmp_path / "again", SETTINGS).omniportrait(base), weights) == set(weights)
    other = Recipe(tmp_path / "other", small_settings(seed=1)).omniportrait(base)
    assert len(same(other, weights)) < len(weights) / 2


def test_the_fusion_learns_beside_an_encoder_that_has_learned(base, whole):
    recipe, weights = whole
    begun = adapter_weights(new_pivot(base, seed=SETTINGS.seed), recipe.pivot_image_encoder(base))
    visual = {f"visual.{name}" for name in begun["visual"]}
    assert same(flatten(begun), weights) == visual
    with torch.random.fork_rng():
        torch.manual_seed(FEW_STEPS.seed)
        untrained = PivotImageEncoder(CONFIG).visual.state_dict()
    assert same(untrained, begun["visual"]) == set()


def test_the_encoder_that_the_pivot_begins_with_has_embeddings_of_one_length(base, whole):
    recipe, _ = whole
    crops = middle(recipe.pivot_people(base).crops[:, 0].float() / 255)
    with torch.no_grad():
        assert float(recipe.pivot_image_encoder(base)(crops).norm(dim=-1).mean()) == pytest.approx(LENGTH, rel=1e-3)


def test_the_file_is_an_adapter_for_the_base(base, whole, tmp_path):
    path = tmp_path / "omniportrait.safetensors"
    write_weights(path, whole[1], adapter_metadata(CONFIG))
    adapter = load(path)
    assert (adapter.context_dim, adapter.config) == (16, CONFIG)
    stored = {key: tensor.half().float() for key, tensor in whole[1].items()}
    assert same(stored, flatten(adapter_weights(adapter.pivot, adapter.image_encoder))) == set(stored)
    assert path.stat().st_size < 0.6 * 2**20


def test_other_ways_to_train_it_are_kept_apart(base, whole):
    recipe, weights = whole
    other = recipe.omniportrait(base, PivotArm(" of all parts", PivotTraining()))
    assert same(other, weights) == set()
    assert same(recipe.omniportrait(base), weights) == set(weights)
    assert PivotArm("", PivotTraining(visual="linear", eta=1.0, drop=0.1)) == SHIPPED_PIVOT


def test_what_is_finished_is_not_trained_again(base, whole):
    recipe, weights = whole
    done = recipe.folder / "omniportrait.safetensors"
    written = done.stat().st_mtime_ns
    assert same(recipe.omniportrait(base), weights) == set(weights)
    assert done.stat().st_mtime_ns == written


def test_the_base_is_left_as_it_was(base, tmp_path):
    given = (torch.ones(1, 4, 8, 8), torch.tensor(500), torch.ones(1, 7, 16))
    before = {key: tensor.clone() for key, tensor in base.unet.state_dict().items()}
    plain = base.unet(*given).sample
    Recipe(tmp_path, SETTINGS).omniportrait(base)
    assert torch.equal(base.unet(*given).sample, plain)
    assert same(before, base.unet.state_dict()) == set(before)
    assert hooks_on(base.unet) == []
    assert not any(parameter.requires_grad for parameter in base.unet.parameters())
    assert all(isinstance(one, AttnProcessor2_0) for one in base.unet.attn_processors.values())


def test_it_is_trained_by_the_trainers_method(base, pool, tmp_path, monkeypatch):
    given = {}

    def note(config, network, loss, folder):
        given.update(config=config, network=network, loss=loss(config.draws(1)), folder=folder)

    monkeypatch.setattr(attached, "train", note)
    pivot, encoder, training = new_pivot(base, seed=0), new_encoder(), PivotTraining(eta=0.5, visual="last2")
    train_pivot(base, pivot, encoder, pool, FEW_STEPS, tmp_path, training=training)
    method = given["network"]
    assert isinstance(method, OmniPortraitPivot)
    assert (method.seed, method.how, method.pivot, method.image_encoder) == (FEW_STEPS.seed, training, pivot, encoder)
    assert (given["config"], given["folder"]) == (FEW_STEPS, tmp_path)
    again = OmniPortraitPivot(base, pivot, encoder, side=16, seed=FEW_STEPS.seed, training=training, power=POWER)
    with torch.no_grad():
        expected = again(pool.batch(base, FEW_STEPS.draws(1)))["loss"]
    again.detach()
    torch.testing.assert_close(given["loss"].detach(), expected, atol=0.01, rtol=0.01)  # in half precision where fast
    assert given["loss"].requires_grad
