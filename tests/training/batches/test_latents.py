"""Latents are drawn from what the VAE says of a picture, now or before."""

from __future__ import annotations

import numpy as np
import pytest
import torch

pytest.importorskip("diffusers")

from likeness.diffusers_host.base import load_base
from likeness.tests.diffusers_host.small_checkpoints import small_checkpoint
from likeness.training.batches.draws import Draws
from likeness.training.batches.examples import Example
from likeness.training.batches.latents import latent_store, sample_latents


@pytest.fixture(scope="module")
def base():
    return load_base(small_checkpoint("sd15"))


def example(position):
    pixels = np.random.default_rng(position).integers(0, 256, (64, 64, 3), np.uint8)
    return Example(
        position=position, row_id="", key=f"{position}", pixels=pixels, caption="", facial_caption=None,
        sizes=(64, 64, 0, 0, 64, 64), people=(), passed_over=(),
    )  # fmt: skip


def test_latents_are_drawn_from_what_the_vae_says(base):
    shown = example(3)
    said = base.vae.encode(torch.from_numpy(shown.pixels).permute(2, 0, 1)[None].float() / 127.5 - 1).latent_dist
    noise = Draws(7, (3,)).normal("latents", (4, 8, 8))
    expected = (said.mean + said.std * noise) * 0.18215
    torch.testing.assert_close(sample_latents(base, [shown], None, seed=7), expected)


def test_a_picture_that_comes_again_has_other_noise_from_the_store(base, tmp_path, monkeypatch):
    store = latent_store(tmp_path, base)
    first = sample_latents(base, [example(3), example(4)], store, seed=7)
    torch.testing.assert_close(first, sample_latents(base, [example(3), example(4)], None, seed=7), atol=1e-4, rtol=0)
    monkeypatch.setattr(base.vae, "encode", lambda *_: pytest.fail("encoded twice"))
    assert torch.equal(sample_latents(base, [example(3), example(4)], store, seed=7), first)
    other = sample_latents(base, [example(3), example(4)], store, seed=8)
    assert not torch.allclose(other, first, atol=1e-5)


def test_another_vae_has_another_store(base, tmp_path):
    other = load_base({key: value * 2 for key, value in small_checkpoint("sd15").items()})
    assert latent_store(tmp_path, base) == latent_store(tmp_path, base)
    assert latent_store(tmp_path, base) != latent_store(tmp_path, other)
