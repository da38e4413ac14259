"""Blur and noise: within bounds, and a function of a picture's own number."""

from __future__ import annotations

import pytest
import torch

pytest.importorskip("diffusers")

from likeness.miniature.recipe.augment import augment
from likeness.miniature.world.world import World
from likeness.training.batches.draws import Draws

WORLD = World(seed=4)


@pytest.fixture(scope="module")
def scene():
    return WORLD.scenes(range(8), people=(1, 3))


def test_some_pictures_are_blurred_and_all_a_little_noisy():
    checks = (torch.arange(64) % 2).float().expand(200, 3, 64, 64)
    augmented = augment(checks, Draws(0, tuple(range(200))))
    inner = augmented[..., 4:-4, 4:-4]
    contrast = (inner[..., 1::2].mean((1, 2, 3)) - inner[..., 0::2].mean((1, 2, 3))).sort().values
    assert 0.3 < (contrast < 0.9).float().mean() < 0.6
    noise = inner[..., 1::2].std(2).mean((1, 2))
    assert 0.005 < noise.mean() < 0.03


def test_augmented_pictures_stay_in_range_and_are_a_function_of_their_row(scene):
    augmented = augment(scene.image, Draws(1, tuple(range(8))))
    assert augmented.min() >= 0
    assert augmented.max() <= 1
    assert torch.equal(augment(scene.image[3:5], Draws(1, (3, 4))), augmented[3:5])
    assert not torch.equal(augment(scene.image, Draws(2, tuple(range(8)))), augmented)
    assert not torch.equal(augment(scene.image, Draws(1, tuple(range(8, 16)))), augmented)
