"""Training of UNet and text encoder: what learns, what stays, and that a seed decides everything."""

from __future__ import annotations

import pytest
import torch

pytest.importorskip("diffusers")

from dataclasses import replace

from likeness.miniature.networks.checkpoint import base_weights
from likeness.miniature.networks.untrained import new_base
from likeness.miniature.recipe.latents import Pool, caption_tokens, encode_tokens
from likeness.miniature.recipe.steps.base_model import _batch, train_base
from likeness.miniature.recipe.train_config import TrainConfig
from likeness.models.miniature.files import ROWS, UNET, VAE, WORDS
from likeness.tests.miniature.small_base import SIZES
from likeness.tests.miniature.small_recipe import FEW_STEPS
from likeness.training.batches.draws import Draws
from likeness.training.denoising import denoising_loss

THREE_STEPS = replace(FEW_STEPS, steps=3, learning_rate=1e-3, decay=0.998, save_every=2)


def weights_of(base):
    return {key: tensor.clone() for key, tensor in base_weights(base, SIZES).items()}


@pytest.fixture(scope="module")
def pool():
    generator = torch.Generator().manual_seed(0)
    tokens = caption_tokens(["a man in red", "a girl in green"])
    faces = torch.zeros(2, 1, 8, 8)
    faces[:, :, 2:5, 2:5] = 1
    return Pool(torch.randn(2, 4, 8, 8, generator=generator), tokens, faces)


def test_a_seed_decides_what_the_base_becomes(pool, tmp_path):
    bases = [new_base(SIZES, seed=seed) for seed in (1, 1, 1)]
    for number, (base, config) in enumerate(
        zip(bases, (THREE_STEPS, THREE_STEPS, replace(THREE_STEPS, seed=3)), strict=True)
    ):
        train_base(base, pool, config, tmp_path / str(number))
    first, same, other = map(weights_of, bases)
    assert all(torch.equal(first[key], same[key]) for key in first)
    assert not torch.equal(first[f"{UNET}out.2.weight"], other[f"{UNET}out.2.weight"])


def test_unet_and_text_encoder_learn_together_and_the_vae_and_unseen_words_stay(pool, tmp_path):
    base = new_base(SIZES, seed=1)
    before = weights_of(base)
    train_base(base, pool, THREE_STEPS, tmp_path)
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
    config = TrainConfig(seed=2, steps=16, batch=4, learning_rate=1e-2, warmup=3, decay=0.6)

    def loss():
        rows = draws.integers("picture", 2)
        text = base.text_encoders[0].module(pool.tokens[rows]).last_hidden_state
        batch = _batch(draws, pool.latents[rows], text, torch.ones_like(pool.faces[rows]))
        return float(denoising_loss(base, batch, draws).detach())

    before = loss()
    train_base(base, pool, config, tmp_path)
    assert loss() < 0.8 * before
