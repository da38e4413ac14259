"""Training of the VAE and of the base model: what they learn from, and that a seed decides everything."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

pytest.importorskip("diffusers")

from likeness.miniature.networks.checkpoint import base_weights
from likeness.miniature.networks.sizes import BaseSizes
from likeness.miniature.networks.untrained import new_base
from likeness.miniature.recipe import latents, vae
from likeness.miniature.recipe.base_model import _batch, train_base
from likeness.miniature.recipe.course import Course
from likeness.miniature.recipe.latents import Pool, read_pool, token_ids
from likeness.miniature.recipe.vae import WINDOW, cut, normalise_latents, pixel_weights, train_vae, window_corners
from likeness.miniature.recipe.whole_base import BaseRecipe, make_base
from likeness.miniature.regions import Region
from likeness.miniature.world import World
from likeness.models.errors import InvalidSettingError
from likeness.training.denoising import denoising_loss
from likeness.training.draws import Draws

SIZES = BaseSizes(unet=(32, 32), vae=(32, 32, 32, 32), text=16, text_layers=1)
COURSE = Course(seed=2, steps=3, batch=2, learning_rate=1e-3, warmup=1, save_every=2)
PEOPLE = (1, 2)


def pictures(count):
    return World(seed=9).scenes(range(count), people=PEOPLE).image * 2 - 1


def weights_of(base, part):
    return {key: tensor for key, tensor in base_weights(base).items() if key.startswith(part)}


def test_a_seed_decides_what_the_vae_becomes(tmp_path, monkeypatch):
    monkeypatch.setattr(vae, "MEASURED", 8)
    bases = [new_base(SIZES, seed=1) for _ in range(3)]
    for number, (base, course) in enumerate(zip(bases, (COURSE, COURSE, replace(COURSE, seed=3)), strict=True)):
        train_vae(base.vae, course, tmp_path / str(number))
    first, same, other = (weights_of(base, "first_stage_model.") for base in bases)
    assert all(torch.equal(first[key], same[key]) for key in first)
    key = "first_stage_model.decoder.conv_in.weight"
    assert not torch.equal(first[key], other[key])
    assert not torch.equal(first[key], base_weights(new_base(SIZES, seed=1))[key])


def test_normalised_latents_have_the_spread_of_sd15_and_decode_to_the_same():
    base = new_base(SIZES, seed=1)
    network, pixels = base.vae.eval(), pictures(8)
    with torch.no_grad():
        before = network.encode(pixels).latent_dist
        decoded = network.decode(before.mean).sample
        normalise_latents(network, pixels)
        after = network.encode(pixels).latent_dist
        scaled = after.mean.transpose(0, 1).flatten(1) * base.latent_scale
        torch.testing.assert_close(network.decode(after.mean).sample, decoded, atol=1e-4, rtol=0)
    torch.testing.assert_close(scaled.mean(1), torch.zeros(4), atol=1e-3, rtol=0)
    torch.testing.assert_close(scaled.std(1), torch.ones(4), atol=1e-3, rtol=0)
    spread = before.mean.transpose(0, 1).flatten(1).std(1)[None, :, None, None]
    torch.testing.assert_close(after.std / 5.49, before.std / spread, rtol=1e-2, atol=0)  # 5.49 = 1 / 0.18215


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
    top, left = corners[5]
    assert windows.shape == (64, 3, WINDOW, WINDOW)
    assert torch.equal(windows[5], scene.image[5, :, top : top + WINDOW, left : left + WINDOW])
    seen = torch.stack([cut(scene.faces[:, [person]], corners).sum((1, 2, 3)) for person in (0, 1)])
    whole = scene.faces.sum((-2, -1)).T
    assert (seen.max(0).values > 0).float().mean() > 0.9
    assert all(0.2 < share < 0.8 for share in (seen > whole / 2).float().mean(1))


def test_a_pool_is_drawn_once_and_only_for_the_vae_that_it_is_of(tmp_path, monkeypatch):
    monkeypatch.setattr(latents, "PART", 4)
    world, base = World(seed=9), new_base(SIZES, seed=1)
    pool = read_pool(base, world, tmp_path, pictures=8, people=PEOPLE)
    with torch.no_grad():
        expected = base.vae.encode(pictures(8)[4:]).latent_dist.mean * 0.18215
    torch.testing.assert_close(pool.latents[4:], expected, atol=1e-5, rtol=1e-4)
    files = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*.safetensors")}
    again = read_pool(base, world, tmp_path, pictures=8, people=PEOPLE)
    assert {path: path.stat().st_mtime_ns for path in files} == files
    assert torch.equal(again.latents, pool.latents)
    assert torch.equal(again.tokens, pool.tokens)
    other = read_pool(new_base(SIZES, seed=2), world, tmp_path, pictures=4, people=PEOPLE)
    assert not torch.allclose(other.latents, pool.latents[:4], atol=1e-2)


def test_captions_become_what_the_text_encoder_takes():
    tokens = token_ids("a man in red")
    assert tokens.tolist()[:6] == [49406, 320, 786, 530, 736, 49407]
    assert tokens.shape == token_ids("dots " * 100).shape == (77,)
    assert token_ids("dots " * 100)[-1] == 49407


@pytest.fixture(scope="module")
def pool():
    generator = torch.Generator().manual_seed(0)
    tokens = torch.stack([token_ids(text) for text in ("a man in red", "a girl in green")])
    return Pool(torch.randn(2, 4, 8, 8, generator=generator), tokens)


def test_a_seed_decides_what_the_base_becomes(pool, tmp_path):
    bases = [new_base(SIZES, seed=seed) for seed in (1, 1, 1)]
    for number, (base, course) in enumerate(zip(bases, (COURSE, COURSE, replace(COURSE, seed=3)), strict=True)):
        train_base(base, pool, course, tmp_path / str(number))
    first, same, other = (base_weights(base) for base in bases)
    assert all(torch.equal(first[key], same[key]) for key in first)
    key = "model.diffusion_model.out.2.weight"
    assert not torch.equal(first[key], other[key])


def test_unet_and_text_encoder_learn_together_and_the_vae_and_unseen_words_stay(pool, tmp_path):
    base = new_base(SIZES, seed=1)
    before = {key: tensor.clone() for key, tensor in base_weights(base).items()}
    train_base(base, pool, COURSE, tmp_path)
    after = base_weights(base)
    words = "cond_stage_model.transformer.text_model.embeddings.token_embedding.weight"
    changed = (after[words] != before[words]).any(1).nonzero()[:, 0].tolist()
    assert set(pool.tokens.unique().tolist()) == set(changed)
    layers = "cond_stage_model.transformer.text_model.encoder.layers.0.self_attn.q_proj.weight"
    for key in (layers, "model.diffusion_model.input_blocks.1.1.transformer_blocks.0.attn2.to_k.weight"):
        assert not torch.equal(after[key], before[key]), key
    frozen = [key for key in before if key.startswith("first_stage_model.")]
    assert all(torch.equal(after[key], before[key]) for key in frozen)


def test_the_base_learns_to_tell_velocity(pool, tmp_path):
    base, draws = new_base(SIZES, seed=1), Draws(7, tuple(range(16)))
    course = Course(seed=2, steps=30, batch=4, learning_rate=5e-3, warmup=3, decay=0.8)

    def loss():
        rows = draws.integers("picture", 2)
        text = base.text_encoders[0].module(pool.tokens[rows]).last_hidden_state
        return float(denoising_loss(base, _batch(draws, pool.latents[rows], text), draws).detach())

    before = loss()
    train_base(base, pool, course, tmp_path)
    assert loss() < 0.8 * before


def test_the_whole_base_is_made_twice_alike_and_goes_on_after_an_interruption(tmp_path, monkeypatch):
    monkeypatch.setattr(latents, "PART", 4)
    monkeypatch.setattr(vae, "MEASURED", 8)
    recipe = BaseRecipe(sizes=SIZES, seed=1, vae=COURSE, pictures=4, people=PEOPLE, base=COURSE)
    first = base_weights(make_base(recipe, tmp_path / "whole"))
    again = tmp_path / "parts"
    train_vae(new_base(SIZES, seed=1).vae, COURSE, again / "vae")  # what a call leaves that ended here
    second = base_weights(make_base(recipe, again))
    assert all(torch.equal(first[key], second[key]) for key in first)
