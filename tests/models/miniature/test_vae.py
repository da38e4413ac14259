"""The miniature's autoencoder: sizes, windows, and what it refuses."""

from __future__ import annotations

import pytest
import torch
from likeness.models.errors import ShapeError
from likeness.models.miniature.vae import FACTOR, MiniatureVAE


@pytest.fixture(scope="module")
def vae():
    torch.manual_seed(0)
    return MiniatureVAE((16, 24), 5).requires_grad_(False)


def noise(*shape):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(1))


def test_a_latent_stands_for_a_square_of_pixels(vae):
    latents = vae.encode(noise(2, 3, 32, 48))
    assert latents.shape == (2, vae.latent_channels, 32 // FACTOR, 48 // FACTOR) == (2, 5, 4, 6)
    assert vae.decode(latents).shape == (2, 3, 32, 48)


def test_a_window_of_a_picture_is_coded_as_in_the_whole_picture(vae):
    """No norm sees the whole picture; only at its edge does a window lack the pixels around it."""
    picture = noise(1, 3, 160, 160)
    whole, window = vae.encode(picture), vae.encode(picture[..., 16:144, 16:144])
    torch.testing.assert_close(window[..., 4:-4, 4:-4], whole[..., 6:-6, 6:-6], atol=1e-5, rtol=1e-4)
    assert not torch.allclose(window[..., 0], whole[..., 2:18, 2], atol=1e-3)
    latents = noise(1, 5, 20, 20)
    drawn, part = vae.decode(latents), vae.decode(latents[..., 2:18, 2:18])
    torch.testing.assert_close(part[..., 40:-40, 40:-40], drawn[..., 56:-56, 56:-56], atol=1e-5, rtol=1e-4)


@pytest.mark.parametrize("shape", [(1, 3, 20, 16), (1, 3, 16, 20), (1, 4, 16, 16), (3, 16, 16)])
def test_other_shapes_are_refused(vae, shape):
    with pytest.raises(ShapeError, match=r"^pixels has shape .* multiples of 8"):
        vae.encode(torch.zeros(shape))
