"""Stage I: which weights learn, that they learn, what is dropped, and what comes out."""

from __future__ import annotations

import pytest
import torch

pytest.importorskip("diffusers")

from likeness.models.placement.placements import Everywhere
from likeness.models.uniportrait.checkpoint import load
from likeness.tests.training.gradients import checkpointed_gradients
from likeness.tests.training.overfitting import overfit
from likeness.tests.training.small_world import small_batch, stage_one
from likeness.training.uniportrait.networks import networks_of
from likeness.training.uniportrait.people import Dropping


@pytest.mark.parametrize(("family", "prediction"), [("sd15", "eps"), ("sd15", "v"), ("sdxl", "eps")])
def test_two_pictures_can_be_learned(family, prediction):
    losses = overfit(stage_one(family, prediction=prediction), small_batch(family=family), steps=20)
    assert losses[-1] < 0.85 * losses[0]


def test_gradients_reach_exactly_what_stage_one_trains():
    method = stage_one()
    for layer in method.lora.layers.values():  # an up matrix of zeros would keep gradients from the down matrix
        for pair in layer.values():
            torch.nn.init.normal_(pair["up"].weight, std=0.1)
    method(small_batch())["loss"].backward()
    without = [name for name, weight in method.named_parameters() if weight.grad is None or not weight.grad.any()]
    assert not without
    assert {name.split(".")[0] for name, _ in method.named_parameters()} == {"id_embedding", "attention", "lora"}
    assert set(map(id, method.trained())) == set(map(id, method.parameters()))
    frozen = [*method.base.unet.parameters(), *method.base.vae.parameters()]
    assert not any(weight.requires_grad or weight.grad is not None for weight in frozen)


def test_the_same_seed_gives_the_same_losses_and_another_one_others():
    first, again, other = (stage_one(seed=seed)(small_batch())["loss"] for seed in (1, 1, 2))
    assert torch.equal(first, again)
    assert not torch.equal(first, other)


def test_a_batch_is_the_mean_of_its_rows():
    method = stage_one(dropping=Dropping(token=0.5, path=0.5, face=0.5))
    whole = method(small_batch(rows=4))["loss"]
    parts = [method(small_batch(rows=2, first=first))["loss"] for first in (0, 2)]
    torch.testing.assert_close(whole, sum(parts) / 2, atol=1e-5, rtol=1e-5)


def test_checkpointing_changes_no_gradient():
    for plain, checkpointed in checkpointed_gradients(
        lambda: stage_one(dropping=Dropping(token=0.5, path=0.5, face=0.5)), small_batch()
    ):
        torch.testing.assert_close(plain, checkpointed)


def test_what_was_trained_loads_as_a_published_file_and_does_the_same():
    method = stage_one()
    overfit(method, small_batch(), steps=2)
    adapter = load(method.weights(), dim_head=8)
    assert torch.equal(adapter.id_embedding.latents, method.id_embedding.latents)
    again = networks_of(adapter, method.base.unet)
    fresh = stage_one()
    batch = small_batch()
    with torch.no_grad():
        method.show(batch)
        trained = method.base.unet(batch.latents, torch.tensor(500), batch.text).sample
    fresh.shown.show(method.shown.residual.tokens, Everywhere(1))
    fresh.attention.load_state_dict(again.attention.state_dict())
    fresh.lora.load_state_dict(again.lora.state_dict())
    with torch.no_grad():
        loaded = fresh.base.unet(batch.latents, torch.tensor(500), batch.text).sample
    assert torch.equal(trained, loaded)
