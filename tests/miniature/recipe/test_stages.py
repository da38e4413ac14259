"""Training of the VAE and of the base model: what they learn from, and that a seed decides everything."""

from __future__ import annotations

import itertools
from dataclasses import replace

import pytest
import torch

pytest.importorskip("diffusers")

from likeness.miniature.networks.checkpoint import base_weights
from likeness.miniature.networks.untrained import new_base
from likeness.miniature.recipe import pool_files, stages
from likeness.miniature.recipe.course import Course
from likeness.miniature.recipe.latents import Pool, caption_tokens, encode_tokens, read_pool
from likeness.miniature.recipe.stages import Kitchen
from likeness.miniature.recipe.steps import vae
from likeness.miniature.recipe.steps.base_model import _batch, train_base
from likeness.miniature.recipe.steps.vae import (
    WINDOW,
    WINDOWS,
    cut,
    normalise_latents,
    pixel_weights,
    reconstruction_loss,
    train_vae,
    window_corners,
)
from likeness.miniature.world.regions import Region
from likeness.miniature.world.world import World
from likeness.models.errors import InvalidSettingError
from likeness.models.miniature.base_file import ROWS, UNET, VAE, WORDS
from likeness.models.miniature.sizes import BaseSizes
from likeness.models.miniature.vae import MiniatureVAE
from likeness.training.batches.draws import Draws
from likeness.training.denoising import denoising_loss

SIZES = BaseSizes(unet=(32, 32), vae=(16, 16), latent_channels=4, text=16, text_layers=1, text_heads=1)
COURSE = Course(seed=2, steps=3, batch=2, learning_rate=1e-3, warmup=1, save_every=2)
PEOPLE = (1, 2)


def pictures(count):
    return World(seed=9).scenes(range(count), people=PEOPLE).image * 2 - 1


def new_vae():
    torch.manual_seed(1)
    return MiniatureVAE(SIZES.vae, SIZES.latent_channels)


def weights_of(base):
    return {key: tensor.clone() for key, tensor in base_weights(base, SIZES).items()}


def test_a_seed_decides_what_the_vae_becomes(tmp_path, monkeypatch):
    monkeypatch.setattr(vae, "MEASURED", 8)
    networks = [new_vae() for _ in range(3)]
    for number, (network, course) in enumerate(zip(networks, (COURSE, COURSE, replace(COURSE, seed=3)), strict=True)):
        train_vae(network, course, tmp_path / str(number))
    first, same, other = (network.state_dict() for network in networks)
    assert all(torch.equal(first[key], same[key]) for key in first)
    key = "decoder.4.weight"
    assert not torch.equal(first[key], other[key])
    assert not torch.equal(first[key], new_vae().state_dict()[key])


def test_a_trained_vae_has_latents_of_spread_one_after_scaling(tmp_path, monkeypatch):
    monkeypatch.setattr(vae, "MEASURED", 64)
    network = new_vae()
    train_vae(network, COURSE, tmp_path)
    with torch.no_grad():
        spread = network.encode(pictures(64)).std((0, 2, 3)) * 0.18215
    assert (spread - 1).abs().max() < 0.1


def test_normalised_latents_have_the_spread_of_sd15_and_decode_to_the_same():
    network, pixels = new_vae(), pictures(8)
    with torch.no_grad():
        before = network.encode(pixels)
        decoded = network.decode(before)
        normalise_latents(network, pixels)
        after = network.encode(pixels)
        torch.testing.assert_close(network.decode(after), decoded, atol=1e-4, rtol=0)
    scaled = after.transpose(0, 1).flatten(1) * 0.18215
    torch.testing.assert_close(scaled.mean(1), torch.zeros(4), atol=1e-3, rtol=0)
    torch.testing.assert_close(scaled.std(1), torch.ones(4), atol=1e-3, rtol=0)
    assert not torch.allclose(before, after, atol=0.1)


def test_the_vae_pays_by_the_weight_of_pixels_for_what_noisy_latents_become():
    pixels, weights = torch.zeros(4, 3, 16, 16), torch.ones(4, 1, 16, 16)
    weights[..., :8, :] = 3
    given = []

    class Stub:
        def encode(self, pixels):
            return torch.zeros(4, 5, 2, 2)

        def decode(self, latents):
            given.append(latents)
            return pixels + 0.5 * (weights == 3)

    loss = reconstruction_loss(Stub(), pixels, weights, Draws(0, (6, 7)))
    assert float(loss) == pytest.approx(0.5 * 3 / (3 + 1))
    assert given[0].std() == pytest.approx(0.05, rel=0.3)
    assert len(given[0].unique()) == given[0].numel()


def test_eyes_count_most_and_the_background_least():
    scene = World(seed=9, with_regions=True).scenes(range(6), people=PEOPLE)
    weights = pixel_weights(scene)[:, 0]
    eyes = scene.regions[:, :, [Region.LEFT_EYE, Region.RIGHT_EYE]].sum((1, 2))
    assert weights[eyes == 1].min() > 20
    assert weights[scene.instances.sum(1) == 0].max() == 1
    assert 3 < weights[(scene.faces.sum(1) > 0.99) & (eyes == 0)].median() < 5
    with pytest.raises(InvalidSettingError, match="have no regions"):
        pixel_weights(World(seed=9).scenes([0]))


def test_windows_lie_in_the_picture_and_near_faces_of_everybody():
    scene = World(seed=9).scenes(range(64), people=(2, 2))
    corners = window_corners(scene, Draws(0, tuple(range(64))))
    windows = cut(scene.image, corners)
    top, left = corners[5, 1]
    assert windows.shape == (64 * WINDOWS, 3, WINDOW, WINDOW)
    assert torch.equal(windows[5 * WINDOWS + 1], scene.image[5, :, top : top + WINDOW, left : left + WINDOW])
    assert (corners[:, 0] != corners[:, 1]).any(1).float().mean() > 0.9
    seen = torch.stack([cut(scene.faces[:, [person]], corners).sum((1, 2, 3)) for person in (0, 1)])
    whole = scene.faces.sum((-2, -1)).T.repeat_interleave(WINDOWS, 1)
    assert (seen.max(0).values > 0).float().mean() > 0.9
    assert all(0.2 < share < 0.8 for share in (seen > whole / 2).float().mean(1))


def test_a_pool_is_drawn_once_and_only_for_the_vae_that_it_is_of(tmp_path, monkeypatch):
    monkeypatch.setattr(pool_files, "PART", 4)
    world, base = World(seed=9), new_base(SIZES, seed=1)
    pool = read_pool(base, world, tmp_path, pictures=range(8), people=PEOPLE)
    with torch.no_grad():
        expected = base.vae.encode(pictures(8)[4:]).latent_dist.mean * 0.18215
    torch.testing.assert_close(pool.latents[4:], expected, atol=1e-5, rtol=1e-4)
    files = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*.safetensors")}
    again = read_pool(base, world, tmp_path, pictures=range(8), people=PEOPLE)
    assert {path: path.stat().st_mtime_ns for path in files} == files
    assert torch.equal(again.latents, pool.latents)
    assert torch.equal(again.tokens, pool.tokens)
    later = read_pool(base, world, tmp_path, pictures=range(4, 12), people=PEOPLE)
    assert torch.equal(later.latents[:4], pool.latents[4:])
    covered = world.scenes(range(8), people=PEOPLE).faces.sum((1, 2, 3)) / 64
    torch.testing.assert_close(pool.faces.sum((1, 2, 3)), covered, rtol=1e-4, atol=1e-3)
    other = read_pool(new_base(SIZES, seed=2), world, tmp_path, pictures=range(4), people=PEOPLE)
    assert not torch.allclose(other.latents, pool.latents[:4], atol=1e-2)


def test_captions_become_what_the_text_encoder_takes():
    [tokens] = caption_tokens(["a man in red"])
    assert tokens.tolist()[:6] == [49406, 320, 786, 530, 736, 49407]
    [long] = caption_tokens(["dots " * 100])
    assert tokens.shape == long.shape == (77,)
    assert long[-1] == 49407


@pytest.fixture(scope="module")
def pool():
    generator = torch.Generator().manual_seed(0)
    tokens = caption_tokens(["a man in red", "a girl in green"])
    faces = torch.zeros(2, 1, 8, 8)
    faces[:, :, 2:5, 2:5] = 1
    return Pool(torch.randn(2, 4, 8, 8, generator=generator), tokens, faces)


def test_a_seed_decides_what_the_base_becomes(pool, tmp_path):
    bases = [new_base(SIZES, seed=seed) for seed in (1, 1, 1)]
    for number, (base, course) in enumerate(zip(bases, (COURSE, COURSE, replace(COURSE, seed=3)), strict=True)):
        train_base(base, pool, course, tmp_path / str(number))
    first, same, other = map(weights_of, bases)
    assert all(torch.equal(first[key], same[key]) for key in first)
    assert not torch.equal(first[f"{UNET}out.2.weight"], other[f"{UNET}out.2.weight"])


def test_unet_and_text_encoder_learn_together_and_the_vae_and_unseen_words_stay(pool, tmp_path):
    base = new_base(SIZES, seed=1)
    before = weights_of(base)
    train_base(base, pool, COURSE, tmp_path)
    after = weights_of(base)
    changed = after[ROWS][(after[WORDS] != before[WORDS]).any(1)]
    assert torch.equal(after[ROWS], before[ROWS])
    assert changed.tolist() == pool.tokens.unique().tolist()
    layers = "cond_stage_model.transformer.text_model.encoder.layers.0.self_attn.q_proj.weight"
    for key in (layers, f"{UNET}input_blocks.1.1.transformer_blocks.0.attn2.to_k.weight"):
        assert not torch.equal(after[key], before[key]), key
    frozen = [key for key in before if key.startswith(VAE)]
    assert frozen
    assert all(torch.equal(after[key], before[key]) for key in frozen)


def test_weights_choose_which_positions_count(pool):
    base, draws = new_base(SIZES, seed=1), Draws(7, (0, 1))
    with torch.no_grad():
        batch = _batch(draws, pool.latents, encode_tokens(base, pool.tokens), torch.ones_like(pool.faces))

        def loss(weights):
            return denoising_loss(base, replace(batch, weights=weights), draws)

        whole = loss(None)
        faces, rest, triple = (loss(weights) for weights in (pool.faces, 1 - pool.faces, 3 * batch.weights))
    share = float(pool.faces.mean())
    assert not torch.isclose(faces, rest)
    torch.testing.assert_close(share * faces + (1 - share) * rest, whole)
    torch.testing.assert_close(triple, whole)


def test_the_base_learns_to_tell_velocity(pool, tmp_path):
    base, draws = new_base(SIZES, seed=1), Draws(7, tuple(range(16)))
    course = Course(seed=2, steps=16, batch=4, learning_rate=1e-2, warmup=3, decay=0.6)

    def loss():
        rows = draws.integers("picture", 2)
        text = base.text_encoders[0].module(pool.tokens[rows]).last_hidden_state
        batch = _batch(draws, pool.latents[rows], text, torch.ones_like(pool.faces[rows]))
        return float(denoising_loss(base, batch, draws).detach())

    before = loss()
    train_base(base, pool, course, tmp_path)
    assert loss() < 0.8 * before


@pytest.fixture
def small_recipe(monkeypatch):
    monkeypatch.setattr(pool_files, "PART", 4)
    monkeypatch.setattr(vae, "MEASURED", 8)
    monkeypatch.setattr(stages, "SIZES", SIZES)
    monkeypatch.setattr(stages, "PICTURES", 4)
    monkeypatch.setattr(stages, "COURSES", {"vae": COURSE, "base": COURSE, "base with faces": replace(COURSE, seed=4)})


@pytest.mark.usefixtures("small_recipe")
def test_the_base_is_the_same_bit_for_bit_when_its_making_was_interrupted(tmp_path, monkeypatch):
    expected = weights_of(Kitchen(tmp_path / "whole").base())
    for module, name in ((vae, "reconstruction_loss"), (stages, "read_pool"), (stages, "train_base")):
        after = 2 if name == "reconstruction_loss" else 0  # the step after the first checkpoint
        with monkeypatch.context() as patched:
            patched.setattr(module, name, interrupted(getattr(module, name), after))
            with pytest.raises(InterruptedError):
                Kitchen(tmp_path / "parts").base()
    weights = weights_of(Kitchen(tmp_path / "parts").base())
    assert all(torch.equal(weights[key], expected[key]) for key in expected)


@pytest.mark.usefixtures("small_recipe")
def test_what_the_kitchen_has_made_is_not_made_again(tmp_path, monkeypatch):
    expected = weights_of(Kitchen(tmp_path).base())
    monkeypatch.setattr(stages, "train_vae", None)
    monkeypatch.setattr(stages, "train_base", None)
    again = Kitchen(tmp_path).base()
    weights = weights_of(again)
    assert all(torch.equal(weights[key], expected[key]) for key in expected)
    assert not any(parameter.requires_grad for parameter in again.unet.parameters())


def interrupted(function, after):
    """The function, until it has been called so often."""
    calls = itertools.count()

    def call(*given, **named):
        if next(calls) == after:
            raise InterruptedError
        return function(*given, **named)

    return call
