"""The miniature's FaceStudio is trained by the trainer's own method."""

from __future__ import annotations

import pytest
import torch

pytest.importorskip("diffusers")

from likeness.miniature.recipe.emphasis import POWER
from likeness.miniature.recipe.steps import facestudio
from likeness.miniature.recipe.steps.facestudio import new_facestudio, train_facestudio
from likeness.miniature.recipe.styles.people import StylePool
from likeness.tests.miniature.small_base import SIZES
from likeness.tests.miniature.small_base import base as base
from likeness.tests.miniature.small_recipe import FEW_STEPS
from likeness.training.facestudio.method import PAPERS


def pool():
    torch.manual_seed(0)
    return StylePool(
        latents=torch.randn(4, SIZES.latent_channels, 8, 8),
        tokens=torch.zeros(4, 77, dtype=torch.int64),
        styles=torch.zeros(4, dtype=torch.int64),
        style=torch.randn(4, 6),
        face=torch.randn(4, 5),
        weights=torch.ones(4, 1, 8, 8).half(),
    )


def test_it_is_the_method_of_the_trainer(base, tmp_path, monkeypatch):
    given = {}
    monkeypatch.setattr(facestudio, "train_attached", lambda *arguments: given.update(enumerate(arguments)))
    pictures = pool()
    networks = new_facestudio(base, pictures, seed=0)
    train_facestudio(base, networks, pictures, FEW_STEPS, tmp_path)
    method = given[0]
    assert (method.seed, method.dropping, method.power, method.networks) == (FEW_STEPS.seed, PAPERS, POWER, networks)
    assert (given[1], given[2], given[3]) == (pictures, FEW_STEPS, tmp_path)
    with torch.no_grad():
        assert method(pictures.batch(base, FEW_STEPS.draws(1)))["loss"].isfinite()
    method.detach()
