"""New priors, and what is measured before one is made."""

from __future__ import annotations

from dataclasses import replace

import torch
from likeness.tests.training.facestudio.prior.small_prior import MEAN, SIZES, STD
from likeness.training.facestudio.prior.networks import measure, new_prior


def test_a_new_prior_has_the_sizes_and_the_measured_spread():
    prior = new_prior(SIZES, MEAN, STD, seed=0)
    assert prior.sizes == SIZES
    assert torch.equal(prior.denormalise(torch.zeros(1, 10))[0], MEAN)
    torch.testing.assert_close(prior.denormalise(torch.ones(1, 10))[0], MEAN + STD)
    assert all(weight.isfinite().all() for weight in prior.parameters())


def test_a_value_that_never_changes_divides_by_no_zero():
    prior = new_prior(SIZES, MEAN, STD * (torch.arange(10) > 0), seed=0)
    assert prior.clip_std.min() == 1e-3 * STD.max()


def test_the_seed_decides_the_weights_and_no_random_state_moves():
    before = torch.random.get_rng_state()
    first, again, other = (new_prior(SIZES, MEAN, STD, seed=seed).state_dict() for seed in (0, 0, 1))
    assert torch.equal(torch.random.get_rng_state(), before)
    assert all(torch.equal(first[key], again[key]) for key in first)
    assert not torch.equal(first["positional_embedding"], other["positional_embedding"])
    assert new_prior(replace(SIZES, depth=1), MEAN, STD, seed=0).sizes.depth == 1


def test_all_pictures_are_measured_once_however_many_at_once():
    embeddings, asked = torch.randn(7, 3) * 5 + 2, []

    def embed(places: range) -> torch.Tensor:
        asked.extend(places)
        return embeddings[places.start : places.stop]

    mean, std = measure(7, 3, embed)
    assert asked == list(range(7))
    torch.testing.assert_close(mean, embeddings.mean(0))
    torch.testing.assert_close(std, embeddings.std(0))
