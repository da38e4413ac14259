"""A prior's training: what is predicted from what, which weights learn, that they learn, what is left out."""

from __future__ import annotations

import pytest
import torch
from likeness.models.clip.posterior import alphas_cumprod
from likeness.models.clip.prior import EmbeddingPrior
from likeness.tests.training.facestudio.prior.small_prior import MEAN, STD, method, small_batch
from likeness.tests.training.overfitting import overfit
from likeness.training.batches.draws import Draws


def asked(monkeypatch, subject, batch):
    """What the prior is asked in a forward pass, and the loss."""
    seen = []

    def forward(*given):
        seen.append(given)
        return torch.zeros_like(given[0])

    monkeypatch.setattr(subject.prior, "forward", forward)
    loss = subject(batch)["loss"]
    [given] = seen
    return (*given, loss)


def test_pairs_can_be_learned():
    losses = overfit(method(), small_batch(), steps=60, rate=3e-3)
    assert losses[-1] < 0.5 * losses[0]


def test_what_was_learned_is_drawn_again():
    subject, batch = method(), small_batch(rows=2)
    overfit(subject, batch, steps=400, rate=3e-3)
    pairs = [torch.cat([given, given]) for given in (batch.hidden, batch.pooled, batch.mask)]
    start = torch.randn(2, 10, generator=torch.Generator().manual_seed(1))
    noise = torch.randn(9, 2, 10, generator=torch.Generator().manual_seed(2))
    drawn = subject.prior.sample(*pairs, steps=10, guidance=1.0, clamp=5.0, start=start, noise=noise)
    distances = torch.cdist((drawn - MEAN) / STD, (batch.embedding - MEAN) / STD)
    assert distances.argmin(1).tolist() == [0, 1]


def test_the_clean_embedding_is_predicted_from_a_noisy_one_of_a_random_timestep(monkeypatch):
    subject, batch = method(seed=4), small_batch(rows=64)
    noisy, timesteps, hidden, pooled, mask, loss = asked(monkeypatch, subject, batch)
    draws = Draws(4, batch.positions)
    clean = (batch.embedding - MEAN) / STD
    kept = alphas_cumprod()[timesteps][:, None]
    torch.testing.assert_close(noisy, kept.sqrt() * clean + (1 - kept).sqrt() * draws.normal("noise", (10,)))
    assert 0 <= timesteps.min() < 100 < 900 < timesteps.max() <= 999
    assert all(torch.equal(*each) for each in ((hidden, batch.hidden), (pooled, batch.pooled), (mask, batch.mask)))
    torch.testing.assert_close(loss, clean.square().mean())


def test_texts_are_left_out_as_often_as_asked(monkeypatch):
    subject, batch = method(drop=0.1), small_batch(rows=3000)
    _, _, hidden, pooled, mask, _ = asked(monkeypatch, subject, batch)
    lost = (pooled == batch.empty_pooled).all(1)
    assert lost.float().mean().item() == pytest.approx(0.1, abs=0.02)
    assert torch.equal(hidden[lost], batch.empty_hidden.expand(int(lost.sum()), -1, -1))
    assert torch.equal(mask[lost], batch.empty_mask.expand(int(lost.sum()), -1))
    assert torch.equal(pooled[~lost], batch.pooled[~lost])
    assert torch.equal(hidden[~lost], batch.hidden[~lost])


def test_gradients_reach_all_but_the_measured_spread():
    subject = method()
    subject(small_batch())["loss"].backward()
    idle = {name for name, weight in subject.named_parameters() if weight.grad is None or not weight.grad.any()}
    # a key's bias moves all scores of a softmax alike
    assert {name for name in idle if "to_k.bias" not in name} == {"prior.clip_mean", "prior.clip_std"}
    trained = set(map(id, subject.trained()))
    assert not {id(subject.prior.clip_mean), id(subject.prior.clip_std)} & trained
    assert len(trained) == len(list(subject.parameters())) - 2


def test_a_batch_is_the_mean_of_its_rows_and_the_seed_decides():
    subject = method(drop=0.5)
    whole = subject(small_batch(rows=4))["loss"]
    parts = [subject(small_batch(rows=2, first=first))["loss"] for first in (0, 2)]
    torch.testing.assert_close(whole, sum(parts) / 2)
    assert not torch.equal(method(seed=1)(small_batch())["loss"], method(seed=2)(small_batch())["loss"])


def test_what_was_trained_loads_as_a_published_prior_and_says_the_same():
    subject, batch = method(), small_batch()
    overfit(subject, batch, steps=2)
    loaded = EmbeddingPrior.from_state_dict(subject.weights()[""], dim_head=8)
    given = (batch.embedding, 300, batch.hidden, batch.pooled, batch.mask)
    with torch.no_grad():
        assert torch.equal(loaded(*given), subject.prior(*given))
