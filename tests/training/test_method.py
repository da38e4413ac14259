"""What every method promises to the loop, the sampler and the export, whatever it trains."""

from __future__ import annotations

import pytest
import torch

pytest.importorskip("diffusers")

from likeness.tests.training.facestudio import small_facestudio
from likeness.tests.training.omniportrait import small_pivot
from likeness.tests.training.small_world import small_batch, stage_one, stage_two
from likeness.training.denoising import predict

KINDS = {
    "stage one": (stage_one, small_batch),
    "stage two": (stage_two, lambda: small_batch(people=2)),
    "pivot": (small_pivot.new_method, lambda: small_pivot.small_batch(rows=2)),
    "facestudio": (small_facestudio.facestudio, small_facestudio.small_batch),
}


@pytest.fixture(params=KINDS)
def given(request):
    """A method, and a batch of two pictures for it."""
    new_method, new_batch = KINDS[request.param]
    return new_method(), new_batch()


def test_what_is_registered_is_what_is_trained_and_the_base_is_not(given):
    method, _ = given
    assert set(map(id, method.trained())) == set(map(id, method.parameters()))
    frozen = {id(weight) for weight in method.base.unet.parameters()}
    assert not frozen & {id(weight) for weight in method.parameters()}
    assert not any(weight.requires_grad for weight in method.base.unet.parameters())


def test_the_loss_to_follow_reaches_something_that_is_trained(given):
    method, batch = given
    losses = method(batch)
    assert all(loss.shape == () and torch.isfinite(loss) for loss in losses.values())
    losses["loss"].backward()
    assert any(weight.grad is not None and weight.grad.any() for weight in method.trained())


def test_weights_are_tensors_by_part_and_key_without_gradients(given):
    method, _ = given
    parts = method.weights()
    assert parts
    for tensors in parts.values():
        assert tensors
        assert all(isinstance(key, str) and not tensor.requires_grad for key, tensor in tensors.items())


@torch.no_grad()
def test_nobody_is_shown_in_the_rows_that_show_nobody(given):
    method, batch = given

    def drawn(nobody):
        told = method.show(batch, nobody=torch.tensor(nobody))
        return predict(method.base, batch.latents, torch.tensor([500, 500]), told)

    shown, hidden, mixed = drawn([False, False]), drawn([True, True]), drawn([True, False])
    torch.testing.assert_close(mixed[0], hidden[0], atol=1e-5, rtol=1e-5)
    torch.testing.assert_close(mixed[1], shown[1], atol=1e-5, rtol=1e-5)
    assert not torch.allclose(shown, hidden, atol=1e-4)
