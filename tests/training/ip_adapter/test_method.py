"""IP-Adapter FaceID's training: which weights learn, that they learn, what is left out, and what comes out."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

pytest.importorskip("diffusers")

from likeness.models.ip_adapter.checkpoint import load
from likeness.tests.training.gradients import checkpointed_gradients
from likeness.tests.training.ip_adapter.small_faceid import faceid, small_batch
from likeness.tests.training.overfitting import overfit
from likeness.training.batches.draws import Draws
from likeness.training.ip_adapter import method as module
from likeness.training.ip_adapter.method import PAPERS, Dropping

OFTEN = Dropping(face=0.25, text=0.25, both=0.25)


@pytest.mark.parametrize(("family", "prediction"), [("sd15", "eps"), ("sd15", "v"), ("sdxl", "eps")])
def test_two_pictures_can_be_learned(family, prediction):
    losses = overfit(faceid(family, prediction=prediction), small_batch(family=family), steps=20)
    assert losses[-1] < 0.9 * losses[0]


def test_gradients_reach_exactly_what_is_trained():
    method = faceid()
    for layer in method.lora.layers.values():  # an up matrix of zeros would keep gradients from the down matrix
        for pair in layer.values():
            torch.nn.init.normal_(pair["up"].weight, std=0.1)
    method(small_batch())["loss"].backward()
    assert not [name for name, weight in method.named_parameters() if weight.grad is None or not weight.grad.any()]
    assert {name.split(".")[0] for name, _ in method.named_parameters()} == {"projection", "attention", "lora"}
    assert set(map(id, method.trained())) == set(map(id, method.parameters()))
    frozen = [*method.base.unet.parameters(), *method.base.vae.parameters()]
    assert not any(weight.requires_grad or weight.grad is not None for weight in frozen)


def test_the_same_seed_gives_the_same_losses_and_another_one_others():
    first, again, other = (faceid(seed=seed)(small_batch())["loss"] for seed in (1, 1, 2))
    assert torch.equal(first, again)
    assert not torch.equal(first, other)


def test_a_batch_is_the_mean_of_its_rows():
    method = faceid(dropping=OFTEN)
    whole = method(small_batch(rows=4))["loss"]
    parts = [method(small_batch(rows=2, first=first))["loss"] for first in (0, 2)]
    torch.testing.assert_close(whole, sum(parts) / 2, atol=1e-5, rtol=1e-5)


def test_checkpointing_changes_no_gradient():
    for plain, checkpointed in checkpointed_gradients(lambda: faceid(dropping=OFTEN), small_batch()):
        torch.testing.assert_close(plain, checkpointed)


def told(monkeypatch, method, batch):
    """What the UNet is told of a batch, and the tokens that it is shown."""
    seen = []

    def loss(base, given, draws, *, power):
        seen.append(given)
        return torch.zeros(())

    monkeypatch.setattr(module, "denoising_loss", loss)
    method(batch)
    return seen[0], method.shown.residual.tokens[:, 0]


@pytest.mark.parametrize("family", ["sd15", "sdxl"])
@pytest.mark.parametrize("what", ["face", "text", "both", "nothing"])
def test_what_is_left_out_is_a_zero_vector_and_the_empty_prompt(monkeypatch, what, family):
    chances = {"face": 0.0, "text": 0.0, "both": 0.0} | ({} if what == "nothing" else {what: 1.0})
    method, batch = faceid(family, dropping=Dropping(**chances)), small_batch(family=family)
    given, tokens = told(monkeypatch, method, batch)
    face, text = what not in ("face", "both"), what not in ("text", "both")
    with torch.no_grad():
        expected = method.projection(batch.vectors) if face else method.projection.null().expand(2, -1, -1)
    torch.testing.assert_close(tokens, expected)
    assert torch.equal(given.text, batch.text if text else batch.empty.expand(2, -1, -1))
    if family == "sdxl":
        assert torch.equal(given.pooled, batch.pooled if text else batch.empty_pooled.expand(2, -1))


def test_each_is_left_out_as_often_as_the_paper_says():
    draws = Draws(3, tuple(range(4000)))
    faceless, wordless = faceid(dropping=PAPERS)._dropped(draws)
    shares = [(faceless & ~wordless), (wordless & ~faceless), (faceless & wordless)]
    assert [each.float().mean().item() for each in shares] == [pytest.approx(0.05, abs=0.012)] * 3


def test_nobody_is_shown_in_the_rows_asked_for():
    method, batch = faceid(dropping=OFTEN), small_batch()
    assert method.show(batch, nobody=torch.tensor([True, False])) is batch
    with torch.no_grad():
        torch.testing.assert_close(method.shown.residual.tokens[0], method.projection.null())
        torch.testing.assert_close(method.shown.residual.tokens[1], method.projection(batch.vectors[1:]))


def test_what_was_trained_loads_as_a_published_file_and_says_the_same():
    method, batch = faceid(), small_batch()
    overfit(method, batch, steps=2)
    adapter = load(method.weights())
    with torch.no_grad():
        assert torch.equal(adapter.projection(batch.vectors), method.projection(batch.vectors))


def test_the_base_is_as_before_once_the_method_is_taken_off():
    method, batch = faceid(), small_batch()
    overfit(method, batch, steps=2)
    with torch.no_grad():
        trained = method.base.unet(batch.latents, torch.tensor(500), batch.text).sample
        method.detach()
        plain = method.base.unet(batch.latents, torch.tensor(500), batch.text).sample
        untouched = faceid()
        untouched.detach()
        expected = untouched.base.unet(batch.latents, torch.tensor(500), batch.text).sample
    assert not torch.equal(trained, plain)
    assert torch.equal(plain, expected)


def test_weights_of_positions_count_in_the_loss():
    method, batch = faceid(), small_batch()
    weights = torch.zeros(2, 1, 8, 8)
    weights[..., :4] = 1
    assert not torch.equal(method(batch)["loss"], method(replace(batch, weights=weights))["loss"])
