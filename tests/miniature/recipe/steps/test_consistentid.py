"""The miniature's ConsistentID: what a seed decides, what is kept, what its file is, and what it leaves alone."""

from __future__ import annotations

import pytest
import torch

pytest.importorskip("diffusers")

from diffusers.models.attention_processor import AttnProcessor2_0
from likeness.diffusers_host.attention import find_sites
from likeness.diffusers_host.face_encoder import FaceEncoder
from likeness.diffusers_host.image_encoder import hidden_tokens
from likeness.miniature.networks.untrained import new_base
from likeness.miniature.recipe import facial_people, pool_files, stages
from likeness.miniature.recipe.course import Course
from likeness.miniature.recipe.emphasis import POWER
from likeness.miniature.recipe.stages import Kitchen
from likeness.miniature.recipe.steps import consistentid as recipe
from likeness.miniature.recipe.steps.consistentid import DEPTH, RANK, new_consistentid, train_consistentid
from likeness.miniature.world.world import World
from likeness.models.consistentid.checkpoint import load
from likeness.models.face.iresnet import IResNet
from likeness.models.face.parsing import LABELS, FaceParser
from likeness.models.miniature.sizes import BaseSizes
from likeness.models.weights.state_dict import flatten
from likeness.training.consistentid.method import PAPERS, ConsistentID
from likeness.training.consistentid.networks import consistentid_weights
from torch import nn
from transformers import CLIPVisionConfig, CLIPVisionModel

SIZES = BaseSizes(unet=(32, 32), vae=(16, 16), latent_channels=4, text=16, text_layers=1, text_heads=1)
HEAD = 16  # of resamplers as narrow as these
COURSE = Course(seed=2, steps=2, batch=2, learning_rate=1e-2, warmup=1, decay=0.0)
NAME = "consistentid"


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
    backbone = IResNet(4, [(4, 1), (4, 1), (4, 1), (6, 1)]).requires_grad_(False).eval()
    return FaceEncoder(backbone=backbone, image_encoder=CLIPVisionModel(config).requires_grad_(False).eval())


def make_small(patched):
    patched.setattr(pool_files, "PART", 2)
    patched.setattr(stages, "PARSED", 4)
    patched.setattr(stages, "COURSES", {NAME: COURSE})
    patched.setattr(Kitchen, "parser", lambda kitchen: FaceParser(Stripes("Face", "Nose", "Left_Eye", "Hair")))


@pytest.fixture(autouse=True)
def small_recipe(monkeypatch):
    make_small(monkeypatch)


@pytest.fixture(scope="module")
def whole(base, faces, tmp_path_factory):
    """A kitchen where ConsistentID is done, and its weights."""
    with pytest.MonkeyPatch.context() as patched:
        make_small(patched)
        kitchen = Kitchen(tmp_path_factory.mktemp("whole"))
        return kitchen, kitchen.consistentid(base, faces)


@pytest.fixture
def pool(base, faces, whole):
    return whole[0].facial_people(base, faces)


def same(weights, other):
    return {key for key in weights if torch.equal(weights[key], other[key])}


def hooks_on(unet):
    return [name for name, module in unet.named_modules() if module._forward_hooks or module._forward_pre_hooks]


def test_a_seed_decides_consistentid(base, faces, whole, tmp_path, monkeypatch):
    _, weights = whole
    assert same(Kitchen(tmp_path / "again").consistentid(base, faces), weights) == set(weights)
    monkeypatch.setattr(stages, "SEED", 1)
    assert len(same(Kitchen(tmp_path / "other").consistentid(base, faces), weights)) < len(weights) / 2


def test_it_begins_with_networks_of_the_recipes_seed(base, faces, pool, tmp_path, monkeypatch):
    monkeypatch.setattr(stages, "SEED", 1)
    monkeypatch.setattr(stages, "train_consistentid", lambda *given: None)
    monkeypatch.setattr(Kitchen, "facial_people", lambda *given: pool)
    begun = Kitchen(tmp_path).consistentid(base, faces)
    expected = flatten(consistentid_weights(new_consistentid(base, pool, seed=1)))
    assert same(expected, begun) == set(expected) == set(begun)


def test_the_weights_are_a_published_file_for_the_base(base, whole):
    adapter = load(whole[1], dim_head=HEAD)
    assert adapter.widths == {site.index: site.channels for site in find_sites(base.unet) if site.kind == "cross"}
    assert adapter.context_dim == 16
    assert (adapter.id_projection.vector_width, adapter.id_projection.image_width) == (6, 8)
    assert len(adapter.facial_encoder.visual_projection.layers) == DEPTH == 2
    assert {down.shape[0] for pairs in adapter.lora.values() for down, _ in pairs.values()} == {RANK}


def test_all_of_it_learns(base, pool, whole):
    untrained = flatten(consistentid_weights(new_consistentid(base, pool, seed=stages.SEED)))
    assert untrained.keys() == whole[1].keys()
    assert same(untrained, whole[1]) == set()


def test_the_base_is_left_as_it_was(base, faces, tmp_path):
    given = (torch.ones(1, 4, 8, 8), torch.tensor(500), torch.ones(1, 7, 16))
    before = {key: tensor.clone() for key, tensor in base.unet.state_dict().items()}
    plain = base.unet(*given).sample
    Kitchen(tmp_path).consistentid(base, faces)
    assert torch.equal(base.unet(*given).sample, plain)
    assert same(before, base.unet.state_dict()) == set(before)
    assert hooks_on(base.unet) == []
    assert not any(parameter.requires_grad for parameter in base.unet.parameters())
    assert all(isinstance(one, AttnProcessor2_0) for one in base.unet.attn_processors.values())


def test_an_interruption_leaves_the_base_as_it_was(base, faces, pool, tmp_path, monkeypatch):
    def interrupt(course, network, loss, folder):
        loss(course.draws(0))
        assert hooks_on(base.unet)
        raise InterruptedError

    monkeypatch.setattr(recipe, "follow", interrupt)
    with pytest.raises(InterruptedError):
        train_consistentid(base, faces, new_consistentid(base, pool, seed=0), pool, COURSE, tmp_path)
    assert hooks_on(base.unet) == []
    assert all(isinstance(one, AttnProcessor2_0) for one in base.unet.attn_processors.values())


def test_it_is_trained_by_the_trainers_method_as_published(base, faces, pool, tmp_path, monkeypatch):
    given = {}

    def note(course, network, loss, folder):
        given.update(course=course, network=network, loss=loss(course.draws(1)), folder=folder)

    monkeypatch.setattr(recipe, "follow", note)
    networks = new_consistentid(base, pool, seed=0)
    train_consistentid(base, faces, networks, pool, COURSE, tmp_path)
    method = given["network"]
    assert isinstance(method, ConsistentID)
    assert (method.seed, method.dropping, method.networks) == (COURSE.seed, PAPERS, networks)
    assert (given["course"], given["folder"]) == (COURSE, tmp_path)
    nothing = hidden_tokens(faces.image_encoder, torch.zeros(1, 3, 224, 224))
    torch.testing.assert_close(method.null_photo, nothing)
    again = ConsistentID(base, networks, nothing, seed=COURSE.seed, power=POWER)
    with torch.no_grad():
        expected = again(pool.batch(base, COURSE.draws(1)))["loss"]
    again.detach()
    torch.testing.assert_close(given["loss"].detach(), expected, atol=0.01, rtol=0.01)  # in half precision where fast
    assert given["loss"].requires_grad


def test_what_is_finished_is_not_trained_again(base, faces, whole, monkeypatch):
    kitchen, weights = whole
    monkeypatch.setattr(stages, "train_consistentid", None)
    monkeypatch.setattr(Kitchen, "facial_people", None)
    assert same(kitchen.consistentid(base, faces), weights) == set(weights)


def test_the_kitchens_pool_is_of_the_recipes_world_and_is_kept(base, faces, pool, whole, monkeypatch):
    captions = World(seed=stages.SEED).scenes(range(4)).captions
    texts = [f"{each.text} ; Detail:The person has one face, one nose and two eyes." for each in captions]
    assert torch.equal(pool.tokens, facial_people.caption_tokens(texts))
    assert pool.has_word.tolist() == [[True, True, True, False, False]] * 4
    assert pool.places[:, :3].any()
    monkeypatch.setattr(facial_people, "_encode", None)
    again = whole[0].facial_people(base, faces)
    assert torch.equal(again.regions, pool.regions)
