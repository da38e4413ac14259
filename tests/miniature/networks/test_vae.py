"""The miniature's VAE with the calls of diffusers' AutoencoderKL."""

from __future__ import annotations

import pytest
import torch
from likeness.miniature.networks.vae import DiffusersVAE
from likeness.models.miniature.vae import MiniatureVAE


@pytest.fixture(scope="module")
def network():
    torch.manual_seed(0)
    return MiniatureVAE((16, 16), 4).requires_grad_(False)


def test_pictures_and_latents_go_through_the_network(network):
    vae, generator = DiffusersVAE(network), torch.Generator().manual_seed(1)
    pixels, latents = torch.randn(2, 3, 16, 24, generator=generator), torch.randn(2, 4, 2, 3, generator=generator)
    assert torch.equal(vae.encode(pixels).latent_dist.mean, network.encode(pixels))
    assert torch.equal(vae.decode(latents).sample, network.decode(latents))


def test_what_it_says_of_a_picture_is_sure(network):
    said = DiffusersVAE(network).encode(torch.ones(1, 3, 8, 8)).latent_dist
    assert said.std.shape == said.mean.shape
    assert not said.std.any()


def test_its_weights_are_those_of_the_network(network):
    assert [*DiffusersVAE(network).parameters()] == [*network.parameters()]
