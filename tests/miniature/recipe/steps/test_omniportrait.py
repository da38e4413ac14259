"""The miniature's pivot: what a seed decides, what is kept, what its file is, and what it leaves alone."""

from __future__ import annotations

import pytest
import torch

pytest.importorskip("diffusers")
pytest.importorskip("open_clip")

from diffusers.models.attention_processor import AttnProcessor2_0
from likeness.diffusers_host.text_encoders import encode_prompts
from likeness.miniature.networks.untrained import new_base
from likeness.miniature.networks.weights_file import write_weights
from likeness.miniature.recipe import pivot_people, pool_files, stages
from likeness.miniature.recipe.course import Course
from likeness.miniature.recipe.emphasis import POWER
from likeness.miniature.recipe.pivot_people import WIDE, cut_portraits, noun_rows
from likeness.miniature.recipe.plan import SHIPPED_PIVOT, PivotArm
from likeness.miniature.recipe.stages import Kitchen
from likeness.miniature.recipe.steps import omniportrait as recipe
from likeness.miniature.recipe.steps.omniportrait import CONFIG, LENGTH, new_pivot, train_pivot
from likeness.miniature.studio.pivots import Pivots, pivots_in
from likeness.miniature.world.world import World
from likeness.models.clip.tokens import encode
from likeness.models.miniature.sizes import BaseSizes
from likeness.models.omniportrait.checkpoint import adapter_metadata, adapter_weights, load
from likeness.models.omniportrait.image_encoder import PivotImageEncoder
from likeness.models.weights.state_dict import flatten
from likeness.training.batches.draws import Draws
from likeness.training.omniportrait.crops import middle
from likeness.training.omniportrait.method import OmniPortraitPivot, PivotTraining

SIZES = BaseSizes(unet=(32, 32), vae=(16, 16), latent_channels=4, text=16, text_layers=1, text_heads=1)
COURSE = Course(seed=2, steps=2, batch=2, learning_rate=1e-2, warmup=1, decay=0.0)
ENCODER, NAME = "pivot's image encoder", "omniportrait"


@pytest.fixture(scope="module")
def base():
    made = new_base(SIZES, seed=1)
    for module in (made.unet, made.vae, made.text_encoders[0].module):
        module.requires_grad_(False).eval()
    return made


def make_small(patched):
    patched.setattr(pool_files, "PART", 2)
    patched.setattr(stages, "PORTRAYED", 4)
    patched.setattr(stages, "COURSES", {NAME: COURSE, ENCODER: COURSE})


@pytest.fixture(autouse=True)
def small_recipe(monkeypatch):
    make_small(monkeypatch)


@pytest.fixture(scope="module")
def whole(base, tmp_path_factory):
    """A kitchen where the pivot is done, and its weights."""
    with pytest.MonkeyPatch.context() as patched:
        make_small(patched)
        kitchen = Kitchen(tmp_path_factory.mktemp("whole"))
        return kitchen, kitchen.omniportrait(base)


@pytest.fixture
def pool(base, whole):
    return whole[0].pivot_people(base)


def same(weights, other):
    return {key for key in weights if torch.equal(weights[key], other[key])}


def hooks_on(module):
    return [name for name, part in module.named_modules() if part._forward_hooks or part._forward_pre_hooks]


def new_encoder(seed=0):
    torch.manual_seed(seed)
    return PivotImageEncoder(CONFIG)


def test_a_seed_decides_the_pivot(base, whole, tmp_path, monkeypatch):
    _, weights = whole
    assert same(Kitchen(tmp_path / "again").omniportrait(base), weights) == set(weights)
    monkeypatch.setattr(stages, "SEED", 1)
    assert len(same(Kitchen(tmp_path / "other").omniportrait(base), weights)) < len(weights) / 2


def test_the_fusion_learns_beside_an_encoder_that_has_learned(base, whole):
    kitchen, weights = whole
    begun = adapter_weights(new_pivot(base, seed=stages.SEED), kitchen.pivot_image_encoder(base))
    visual = {f"visual.{name}" for name in begun["visual"]}
    assert same(flatten(begun), weights) == visual
    with torch.random.fork_rng():
        torch.manual_seed(COURSE.seed)
        untrained = PivotImageEncoder(CONFIG).visual.state_dict()
    assert same(untrained, begun["visual"]) == set()


def test_the_encoder_that_the_pivot_begins_with_has_embeddings_of_one_length(base, whole):
    kitchen, _ = whole
    crops = middle(kitchen.pivot_people(base).crops[:, 0].float() / 255)
    with torch.no_grad():
        assert float(kitchen.pivot_image_encoder(base)(crops).norm(dim=-1).mean()) == pytest.approx(LENGTH, rel=1e-3)


def test_the_file_is_an_adapter_for_the_base(base, whole, tmp_path):
    path = tmp_path / "omniportrait.safetensors"
    write_weights(path, whole[1], adapter_metadata(CONFIG))
    adapter = load(path)
    assert (adapter.context_dim, adapter.config) == (16, CONFIG)
    stored = {key: tensor.half().float() for key, tensor in whole[1].items()}
    assert same(stored, flatten(adapter_weights(adapter.pivot, adapter.image_encoder))) == set(stored)
    assert path.stat().st_size < 0.6 * 2**20


def test_other_ways_to_train_it_are_kept_apart(base, whole, tmp_path, monkeypatch):
    kitchen, weights = whole
    other = kitchen.omniportrait(base, PivotArm(" of all parts", PivotTraining()))
    assert same(other, weights) == set()
    assert same(kitchen.omniportrait(base), weights) == set(weights)
    assert PivotArm("", PivotTraining(visual="linear", eta=1.0, drop=0.1)) == SHIPPED_PIVOT


def test_what_is_finished_is_not_trained_again(base, whole, monkeypatch):
    kitchen, weights = whole
    monkeypatch.setattr(stages, "train_pivot", None)
    monkeypatch.setattr(Kitchen, "pivot_people", None)
    assert same(kitchen.omniportrait(base), weights) == set(weights)


def test_the_base_is_left_as_it_was(base, tmp_path):
    given = (torch.ones(1, 4, 8, 8), torch.tensor(500), torch.ones(1, 7, 16))
    before = {key: tensor.clone() for key, tensor in base.unet.state_dict().items()}
    plain = base.unet(*given).sample
    Kitchen(tmp_path).omniportrait(base)
    assert torch.equal(base.unet(*given).sample, plain)
    assert same(before, base.unet.state_dict()) == set(before)
    assert hooks_on(base.unet) == []
    assert not any(parameter.requires_grad for parameter in base.unet.parameters())
    assert all(isinstance(one, AttnProcessor2_0) for one in base.unet.attn_processors.values())


def test_an_interruption_leaves_the_base_as_it_was(base, pool, tmp_path, monkeypatch):
    def interrupt(course, network, loss, folder):
        loss(course.draws(0))
        assert hooks_on(base.unet)
        raise InterruptedError

    monkeypatch.setattr(recipe, "follow", interrupt)
    with pytest.raises(InterruptedError):
        train_pivot(base, new_pivot(base, seed=0), new_encoder(), pool, COURSE, tmp_path, training=PivotTraining())
    assert hooks_on(base.unet) == []
    assert all(isinstance(one, AttnProcessor2_0) for one in base.unet.attn_processors.values())


def test_it_is_trained_by_the_trainers_method(base, pool, tmp_path, monkeypatch):
    given = {}

    def note(course, network, loss, folder):
        given.update(course=course, network=network, loss=loss(course.draws(1)), folder=folder)

    monkeypatch.setattr(recipe, "follow", note)
    pivot, encoder, training = new_pivot(base, seed=0), new_encoder(), PivotTraining(eta=0.5, visual="last2")
    train_pivot(base, pivot, encoder, pool, COURSE, tmp_path, training=training)
    method = given["network"]
    assert isinstance(method, OmniPortraitPivot)
    assert (method.seed, method.how, method.pivot, method.image_encoder) == (COURSE.seed, training, pivot, encoder)
    assert (given["course"], given["folder"]) == (COURSE, tmp_path)
    again = OmniPortraitPivot(base, pivot, encoder, side=16, seed=COURSE.seed, training=training, power=POWER)
    with torch.no_grad():
        expected = again(pool.batch(base, COURSE.draws(1)))["loss"]
    again.detach()
    torch.testing.assert_close(given["loss"].detach(), expected, atol=0.01, rtol=0.01)  # in half precision where fast
    assert given["loss"].requires_grad


def test_the_pool_is_of_the_recipes_world_and_is_kept(base, pool, whole, monkeypatch):
    world = World(seed=stages.SEED, with_regions=True)
    scene, portraits = world.scenes(range(4)), world.portraits(range(4))
    assert torch.equal(pool.codes, scene.codes[:, 0])
    assert torch.equal(portraits.codes[:, 0], pool.codes)  # the crop shows the very person of the picture
    crops, heads = cut_portraits(portraits, Draws(stages.SEED, tuple(range(4))))
    assert torch.equal(pool.crops[:, 0], crops)
    assert torch.equal(pool.heads[:, 0], heads)
    assert pool.faces.shape == (4, 1, 16, 16)
    torch.testing.assert_close(pool.faces.float().mean((1, 2, 3)), scene.faces.mean((1, 2, 3)), atol=1e-3, rtol=0)
    monkeypatch.setattr(pivot_people, "_encode", None)
    again = whole[0].pivot_people(base)
    assert torch.equal(again.crops, pool.crops)


def test_the_row_is_that_of_the_noun():
    captions = World(seed=0).scenes(range(8)).captions
    for caption, row in zip(captions, noun_rows(captions)[:, 0].tolist(), strict=True):
        [(start, end)] = caption.nouns
        assert encode(caption.text)[row - 1] == encode(caption.text[start:end])[0]


def test_the_crop_is_filled_by_the_face():
    portraits = World(seed=0, with_regions=True).portraits(range(8))
    crops, heads = cut_portraits(portraits, Draws(0, tuple(range(8))))
    assert crops.shape == (8, 3, WIDE, WIDE)
    inner = middle(heads.float() / 255)
    assert inner.shape == (8, 70, 70)
    assert 0.6 < inner.mean() < 0.98
    assert inner[:, 25:45, 25:45].min() > 0.9


def test_a_batch_of_the_pool_shows_crops_as_if_from_other_photos(base, pool):
    batch, again, other = (pool.batch(base, Draws(seed, (0, 1, 2))) for seed in (0, 0, 1))
    assert batch.crops.shape == (3, 1, 3, 70, 70)
    assert 0 <= batch.crops.min() < batch.crops.max() <= 1
    assert torch.equal(batch.crops, again.crops)
    assert not torch.equal(batch.crops, other.crops)
    assert batch.present.all()
    assert batch.empty.shape == (1, 77, 16)
    assert (batch.weights >= 1).all()


def test_drawing_puts_people_into_their_own_rows_for_a_time(base):
    prompts = ["a man in red", "a woman in blue"]
    pivot = new_pivot(base, seed=0)
    torch.nn.init.normal_(pivot.fusion.weight)
    rows, faces = (
        torch.tensor([[2], [2]]),
        torch.randn(2, 1, CONFIG.embed_dim, generator=torch.Generator().manual_seed(0)),
    )
    plain = encode_prompts(base.text_encoders, ["", *prompts]).tokens
    before = hooks_on(base.text_encoders[0].module)  # transformers may have some of its own
    with pivots_in(base, Pivots(pivot=pivot, faces=faces, rows=rows)):
        shown = encode_prompts(base.text_encoders, ["", *prompts]).tokens
    expected = plain.clone()
    with torch.no_grad():
        for picture in range(2):
            expected[1 + picture, 2] = pivot(plain[1 + picture, 2][None], faces[picture])[0]
    torch.testing.assert_close(shown, expected)
    assert not torch.equal(shown, plain)
    assert torch.equal(encode_prompts(base.text_encoders, ["", *prompts]).tokens, plain)
    with pivots_in(base, None):
        assert torch.equal(encode_prompts(base.text_encoders, ["", *prompts]).tokens, plain)
    assert hooks_on(base.text_encoders[0].module) == before
