"""The recipe: every network is made once, kept, and the same however often its making was interrupted."""

from __future__ import annotations

import pytest
import torch

pytest.importorskip("diffusers")

import itertools
import shutil
from dataclasses import replace

from likeness.miniature.networks.checkpoint import base_weights
from likeness.miniature.recipe import recipe as stages
from likeness.miniature.recipe.pool_files import PoolFiles
from likeness.miniature.recipe.recipe import Recipe
from likeness.miniature.recipe.settings import SHIPPED
from likeness.miniature.recipe.steps import vae
from likeness.tests.miniature.small_base import SIZES
from likeness.tests.miniature.small_recipe import FEW_STEPS, small_settings

TRAININGS = {
    **dict.fromkeys(SHIPPED.trainings, replace(FEW_STEPS, steps=3, learning_rate=1e-3, decay=0.998, save_every=2)),
    "base with faces": replace(FEW_STEPS, seed=4, steps=3, learning_rate=1e-3, decay=0.998, save_every=2),
}
SETTINGS = small_settings(files=PoolFiles(pictures=4), trainings=TRAININGS)


def weights_of(base):
    return {key: tensor.clone() for key, tensor in base_weights(base, SIZES).items()}


def test_the_base_is_the_same_bit_for_bit_when_its_making_was_interrupted(tmp_path, monkeypatch):
    expected = weights_of(Recipe(tmp_path / "whole", SETTINGS).base())
    for module, name in ((vae, "reconstruction_loss"), (stages, "read_pool"), (stages, "train_base")):
        after = 2 if name == "reconstruction_loss" else 0  # the step after the first checkpoint
        with monkeypatch.context() as patched:
            patched.setattr(module, name, interrupted(getattr(module, name), after))
            with pytest.raises(InterruptedError):
                Recipe(tmp_path / "parts", SETTINGS).base()
    weights = weights_of(Recipe(tmp_path / "parts", SETTINGS).base())
    assert all(torch.equal(weights[key], expected[key]) for key in expected)


def test_what_the_recipe_has_made_is_not_made_again(tmp_path):
    expected = weights_of(Recipe(tmp_path, SETTINGS).base())
    kept = {path.name for path in tmp_path.iterdir() if path.is_file()}
    assert kept == {"vae.safetensors", "base.safetensors", "base with faces.safetensors"}
    for folder in (tmp_path / name for name in ("vae", "base", "base with faces", "latents")):
        shutil.rmtree(folder)
    again = Recipe(tmp_path, SETTINGS).base()
    weights = weights_of(again)
    assert all(torch.equal(weights[key], expected[key]) for key in expected)
    assert not any(parameter.requires_grad for parameter in again.unet.parameters())
    assert {path.name for path in tmp_path.iterdir()} == kept


def interrupted(function, after):
    """The function, until it has been called so often."""
    calls = itertools.count()

    def call(*given, **named):
        if next(calls) == after:
            raise InterruptedError
        return function(*given, **named)

    return call
