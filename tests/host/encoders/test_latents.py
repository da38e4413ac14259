"""ComfyUI's VAEs as encoders of reference pictures."""

from __future__ import annotations

import pytest
import torch
from likeness.tests.host.omniportrait.small_guidance import Vae

pytestmark = pytest.mark.comfy


@pytest.fixture
def pictures():
    return torch.rand(3, 16, 24, 3, generator=torch.Generator().manual_seed(0))


def encoder(vae):
    from likeness.host.encoders.latents import latent_encoder

    return latent_encoder(vae)


def test_latents_are_the_vae_s_own(pictures):
    vae = Vae(seed=11)
    assert torch.allclose(encoder(vae).latents(pictures), vae.encode(pictures), atol=1e-6)


def test_latents_are_float32_whatever_the_vae_gives(pictures):
    class Half(Vae):
        def encode(self, pixels):
            return super().encode(pixels).half()

    assert encoder(Half(seed=12)).latents(pictures).dtype == torch.float32


def test_a_picture_is_encoded_once_whoever_asks_for_the_same_weights(pictures):
    first, again, other = Vae(seed=13), Vae(seed=13), Vae(seed=14)
    for vae in (first, again, other):
        encoder(vae).latents(pictures)
        encoder(vae).latents(pictures.flip(0))
    assert [len(vae.encoded) for vae in (first, again, other)] == [3, 0, 3]


def test_the_key_names_the_weights_whatever_their_type():
    keys = [encoder(Vae(seed=seed)).key for seed in (15, 15, 16)]
    assert keys[0] == keys[1] != keys[2]
    half = Vae(seed=15)
    half.first_stage_model.half()
    assert encoder(half).key == keys[0]
