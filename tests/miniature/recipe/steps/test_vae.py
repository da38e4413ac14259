"""Training of the VAE: which windows it learns from, what it pays for, and that a seed decides everything."""

from __future__ import annotations

import pytest
import torch

pytest.importorskip("diffusers")

from dataclasses import replace

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
from likeness.models.miniature.vae import MiniatureVAE
from likeness.tests.miniature.small_base import SIZES
from likeness.tests.miniature.small_recipe import FEW_STEPS
from likeness.training.batches.draws import Draws

THREE_STEPS = replace(FEW_STEPS, steps=3, learning_rate=1e-3, decay=0.998, save_every=2)
PEOPLE = (1, 2)


def pictures(count):
    return World(seed=9).scenes(range(count), people=PEOPLE).image * 2 - 1


def new_vae():
    torch.manual_seed(1)
    return MiniatureVAE(SIZES.vae, SIZES.latent_channels)


def test_a_seed_decides_what_the_vae_becomes(tmp_path):
    networks = [new_vae() for _ in range(3)]
    for number, (network, config) in enumerate(
        zip(networks, (THREE_STEPS, THREE_STEPS, replace(THREE_STEPS, seed=3)), strict=True)
    ):
        train_vae(network, config, tmp_path / str(number), measured=8)
    first, same, other = (network.state_dict() for network in networks)
    assert all(torch.equal(first[key], same[key]) for key in first)
    key = "decoder.4.weight"
    assert not torch.equal(first[key], other[key])
    assert not torch.equal(first[key], new_vae().state_dict()[key])


def test_a_trained_vae_has_latents_of_spread_one_after_scaling(tmp_path):
    network = new_vae()
    train_vae(network, THREE_STEPS, tmp_path, measured=64)
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
