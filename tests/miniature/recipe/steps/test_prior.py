"""The miniature's prior learns what captions say of pictures."""

from __future__ import annotations

import pytest
import torch

pytest.importorskip("diffusers")

from dataclasses import replace

from likeness.miniature.recipe.steps.prior import new_miniature_prior, train_prior
from likeness.miniature.recipe.styles.captioned_pictures import CaptionedPictures
from likeness.tests.miniature.small_recipe import FEW_STEPS
from likeness.training.facestudio.prior.method import PriorMethod


def pairs():
    """Two captions whose pictures are far apart."""
    torch.manual_seed(0)
    hidden, pooled = torch.randn(2, 77, 16).half(), torch.randn(2, 16)
    return CaptionedPictures(
        hidden=hidden,
        pooled=pooled,
        mask=torch.ones(2, 77),
        embedding=torch.tensor([[3.0, -1.0, 0.5], [-3.0, 1.0, -0.5]]),
        empty_hidden=torch.zeros(1, 77, 16),
        empty_pooled=torch.zeros(1, 16),
        empty_mask=torch.ones(1, 77),
    )


def test_it_learns_and_keeps_what_was_measured(tmp_path):
    known = pairs()
    prior = new_miniature_prior(known, seed=0)
    measured = prior.clip_mean.clone(), prior.clip_std.clone()
    draws = FEW_STEPS.draws(7)

    def loss():
        with torch.no_grad():
            return float(PriorMethod(prior, seed=3, drop=0.0)(known.batch(draws))["loss"])

    before = loss()
    train_prior(prior, known, replace(FEW_STEPS, steps=40, batch=8, learning_rate=1e-3), tmp_path)
    assert loss() < before
    assert torch.equal(prior.clip_mean, measured[0])
    assert torch.equal(prior.clip_std, measured[1])
