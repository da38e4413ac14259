"""The miniature's ConsistentID: what a seed decides, what is kept, what its file is, and what it leaves alone."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

pytest.importorskip("diffusers")

from diffusers.models.attention_processor import AttnProcessor2_0
from likeness.diffusers_host.attention import find_sites
from likeness.diffusers_host.image_encoder import hidden_tokens
from likeness.miniature.recipe import attached
from likeness.miniature.recipe.emphasis import POWER
from likeness.miniature.recipe.latents import caption_tokens
from likeness.miniature.recipe.recipe import Recipe
from likeness.miniature.recipe.steps.consistentid import DEPTH, RANK, new_consistentid, train_consistentid
from likeness.miniature.world.world import World
from likeness.models.consistentid.checkpoint import load
from likeness.models.face.parsing import LABELS, FaceParser
from likeness.models.weights.state_dict import flatten
from likeness.tests.miniature.small_base import base as base
from likeness.tests.miniature.small_base import frozen_faces, hooks_on, same
from likeness.tests.miniature.small_recipe import FEW_STEPS, small_settings
from likeness.training.consistentid.method import PAPERS, ConsistentID
from likeness.training.consistentid.networks import consistentid_weights
from torch import nn

HEAD = 16  # of resamplers as narrow as these


class Stripes(nn.Module):
    """Stands for a parser's network: finds the same parts in every photo, one below the other."""

    def __init__(self, *labels):
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(()))
        self.labels = [LABELS.index(label) for label in labels]

    def forward(self, pixels):
        side = pixels.shape[-1] // len(self.labels)
        scores = torch.zeros(1, len(LABELS), *pixels.shape[-2:])
        for place, label in enumerate(self.labels):
            scores[:, label, place * side : (place + 1) * side] = 1
        return (scores,)


@pytest.fixture(scope="module")
def faces():
    return frozen_faces(6)


class StripedRecipe(Recipe):
    """A recipe whose parser is none that has learned."""

    def parser(self):
        return FaceParser(Stripes("Face", "Nose", "Left_Eye", "Hair"))


SETTINGS = small_settings()


@pytest.fixture(scope="module")
def whole(base, faces, tmp_path_factory):
    """A recipe where ConsistentID is done, and its weights."""
    recipe = StripedRecipe(tmp_path_factory.mktemp("whole"), SETTINGS)
    return recipe, recipe.consistentid(base, faces)


@pytest.fixture
def pool(base, faces, whole):
    return whole[0].facial_people(base, faces)


def test_a_seed_decides_consistentid(base, faces, whole, tmp_path):
    _, weights = whole
    again = StripedRecipe(tmp_path / "again", SETTINGS)
    other = StripedRecipe(tmp_path / "other", small_settings(seed=1))
    assert same(again.consistentid(base, faces), weights) == set(weights)
    assert len(same(other.consistentid(base, faces), weights)) < len(weights) / 2


def test_it_begins_with_networks_of_the_recipes_seed(base, faces, tmp_path):
    """A rate of nothing leaves the networks as they began."""
    still = replace(FEW_STEPS, steps=1, warmup=0, learning_rate=0.0)
    recipe = StripedRecipe(tmp_path, small_settings(still, pictures=2, seed=1))
    begun = recipe.consistentid(base, faces)
    expected = flatten(consistentid_weights(new_consistentid(base, recipe.facial_people(base, faces), seed=1)))
    assert same(expected, begun) == set(expected) == set(begun)


def test_the_weights_are_a_published_file_for_the_base(base, whole):
    adapter = load(whole[1], dim_head=HEAD)
    assert adapter.widths == {site.index: site.channels for site in find_sites(base.unet) if site.kind == "cross"}
    assert adapter.context_dim == 16
    assert (adapter.id_projection.vector_width, adapter.id_projection.image_width) == (6, 8)
    assert len(adapter.facial_encoder.visual_projection.layers) == DEPTH == 2
    assert {down.shape[0] for pairs in adapter.lora.values() for down, _ in pairs.values()} == {RANK}


def test_all_of_it_learns(base, pool, whole):
    untrained = flatten(consistentid_weights(new_consistentid(base, pool, seed=SETTINGS.seed)))
    assert untrained.keys() == whole[1].keys()
    assert same(untrained, whole[1]) == set()


def test_the_base_is_left_as_it_was(base, faces, tmp_path):
    given = (torch.ones(1, 4, 8, 8), torch.tensor(500), torch.ones(1, 7, 16))
    before = {key: tensor.clone() for key, tensor in base.unet.state_dict().items()}
    plain = base.unet(*given).sample
    StripedRecipe(tmp_path, SETTINGS).consistentid(base, faces)
    assert torch.equal(base.unet(*given).sample, plain)
    assert same(before, base.unet.state_dict()) == set(before)
    assert hooks_on(base.unet) == []
    assert not any(parameter.requires_grad for parameter in base.unet.parameters())
    assert all(isinstance(one, AttnProcessor2_0) for one in base.unet.attn_processors.values())


def test_it_is_trained_by_the_trainers_method_as_published(base, faces, pool, tmp_path, monkeypatch):
    given = {}

    def note(config, network, loss, folder):
        given.update(config=config, network=network, loss=loss(config.draws(1)), folder=folder)

    monkeypatch.setattr(attached, "train", note)
    networks = new_consistentid(base, pool, seed=0)
    train_consistentid(base, faces, networks, pool, FEW_STEPS, tmp_path)
    method = given["network"]
    assert isinstance(method, ConsistentID)
    assert (method.seed, method.dropping, method.networks) == (FEW_STEPS.seed, PAPERS, networks)
    assert (given["config"], given["folder"]) == (FEW_STEPS, tmp_path)
    nothing = hidden_tokens(faces.image_encoder, torch.zeros(1, 3, 224, 224))
    torch.testing.assert_close(method.null_photo, nothing)
    again = ConsistentID(base, networks, nothing, seed=FEW_STEPS.seed, power=POWER)
    with torch.no_grad():
        expected = again(pool.batch(base, FEW_STEPS.draws(1)))["loss"]
    again.detach()
    torch.testing.assert_close(given["loss"].detach(), expected, atol=0.01, rtol=0.01)  # in half precision where fast
    assert given["loss"].requires_grad


def test_what_is_finished_is_not_trained_again(base, faces, whole):
    recipe, weights = whole
    done = recipe.folder / "consistentid.safetensors"
    written = done.stat().st_mtime_ns
    assert same(recipe.consistentid(base, faces), weights) == set(weights)
    assert done.stat().st_mtime_ns == written


def test_the_recipes_pool_is_of_the_recipes_world_and_is_kept(base, faces, pool, whole):
    captions = World(seed=SETTINGS.seed).scenes(range(4)).captions
    texts = [f"{each.text} ; Detail:The person has one face, one nose and two eyes." for each in captions]
    assert torch.equal(pool.tokens, caption_tokens(texts))
    assert pool.has_word.tolist() == [[True, True, True, False, False]] * 4
    assert pool.places[:, :3].any()
    files = {path: path.stat().st_mtime_ns for path in (whole[0].folder / "facial people").rglob("*.safetensors")}
    again = whole[0].facial_people(base, faces)
    assert torch.equal(again.regions, pool.regions)
    assert {path: path.stat().st_mtime_ns for path in files} == files != {}
