"""FaceStudio's training: which weights learn, that they learn, what is left out, and what comes out."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

pytest.importorskip("diffusers")

from likeness.diffusers_host.attention import attach
from likeness.diffusers_host.key_values import replace_key_values
from likeness.models.facestudio.checkpoint import load
from likeness.tests.training.facestudio.small_facestudio import DESCRIPTION, NO_DROPS, facestudio, small_batch
from likeness.tests.training.gradients import checkpointed_gradients
from likeness.tests.training.overfitting import overfit
from likeness.tests.training.small_world import small_base
from likeness.training.batches.draws import Draws
from likeness.training.facestudio import method as module
from likeness.training.facestudio.method import PAPERS, Dropping
from likeness.training.method import Paced

EVERY = [("sd15", "light"), ("sd15", "full"), ("sdxl", "light"), ("sdxl", "full")]


@pytest.mark.parametrize(("family", "form"), EVERY)
def test_two_pictures_can_be_learned(family, form):
    losses = overfit(facestudio(family, form=form), small_batch(), steps=20)
    assert losses[-1] < 0.9 * losses[0]


def test_velocity_can_be_learned():
    losses = overfit(facestudio(prediction="v"), small_batch(), steps=20)
    assert losses[-1] < 0.9 * losses[0]


@pytest.mark.parametrize(("family", "form"), EVERY)
def test_gradients_reach_exactly_what_is_trained(family, form):
    method = facestudio(family, form=form)
    for layer in method.lora.layers.values() if method.lora else ():  # an up matrix of zeros would keep gradients away
        for pair in layer.values():
            torch.nn.init.normal_(pair["up"].weight, std=0.1)
    method(small_batch())["loss"].backward()
    assert not [name for name, weight in method.named_parameters() if weight.grad is None or not weight.grad.any()]
    parts = {"layer", "attention", "lora"} if form == "light" else {"layer", "unet"}
    assert {name.split(".")[0] for name, _ in method.named_parameters()} == parts | (
        {"pooled"} if family == "sdxl" else set()
    )
    assert set(map(id, method.trained())) == set(map(id, method.parameters()))
    frozen = [*method.base.vae.parameters(), *(method.base.unet.parameters() if form == "light" else ())]
    assert not any(weight.requires_grad or weight.grad is not None for weight in frozen)


@pytest.mark.parametrize("form", ["light", "full"])
def test_what_is_new_moves_faster_in_the_light_form_alone(form):
    method = facestudio("sdxl", form=form)
    assert isinstance(method, Paced)
    first, second = method.paces()
    assert (first.factor, second.factor) == ((1.0, 10.0) if form == "light" else (1.0, 1.0))
    carried = method.attention if form == "light" else method.unet
    assert set(map(id, first.parameters)) == set(map(id, carried.parameters()))
    both = [*first.parameters, *second.parameters]
    assert len(both) == len(set(map(id, both)))
    assert set(map(id, both)) == set(map(id, method.trained()))


def test_the_same_seed_gives_the_same_losses_and_another_one_others():
    first, again, other = (facestudio(seed=seed)(small_batch())["loss"] for seed in (1, 1, 2))
    assert torch.equal(first, again)
    assert not torch.equal(first, other)


def test_a_batch_is_the_mean_of_its_rows():
    method = facestudio(dropping=PAPERS)
    whole = method(small_batch(rows=4))["loss"]
    parts = [method(small_batch(rows=2, first=first))["loss"] for first in (0, 2)]
    torch.testing.assert_close(whole, sum(parts) / 2, atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("form", ["light", "full"])
def test_checkpointing_changes_no_gradient(form):
    for plain, checkpointed in checkpointed_gradients(
        lambda: facestudio(form=form, dropping=Dropping(style=0.5, face=0.5)), small_batch()
    ):
        torch.testing.assert_close(plain, checkpointed)


def told(monkeypatch, method, batch):
    """What the UNet is told of a batch."""
    seen = []

    def loss(base, given, draws, *, power):
        seen.append(given)
        return torch.zeros(())

    monkeypatch.setattr(module, "denoising_loss", loss)
    method(batch)
    return seen[0]


@pytest.mark.parametrize("family", ["sd15", "sdxl"])
@pytest.mark.parametrize("lost", [(), ("style",), ("face",), ("style", "face")])
def test_what_is_left_out_is_zeros_and_the_guidance_is_all_that_is_read(monkeypatch, lost, family):
    method, batch = facestudio(family, dropping=replace(NO_DROPS, **dict.fromkeys(lost, 1.0))), small_batch()
    if family == "sdxl":
        torch.nn.init.normal_(method.pooled.weight)
    style, face = (
        torch.zeros_like(getattr(batch, name)) if name in lost else getattr(batch, name) for name in ("style", "face")
    )
    given, expected = told(monkeypatch, method, batch), method.layer(style, face)
    assert torch.equal(given.text, expected)
    assert given.text.shape[1] == 8
    if family == "sdxl":
        assert method.pooled is not None
        assert torch.equal(given.pooled, method.pooled(expected))
    else:
        assert given.pooled is None


def test_each_is_left_out_as_often_as_the_paper_says_and_independently():
    draws = Draws(3, tuple(range(8000)))
    styleless, faceless = facestudio(dropping=PAPERS)._dropped(draws)
    cases = {"both": styleless & faceless, "style": styleless & ~faceless, "face": ~styleless & faceless}
    shares = {name: each.float().mean().item() for name, each in cases.items()}
    assert shares == {
        "both": pytest.approx(0.064, abs=0.01),
        "style": pytest.approx(0.576, abs=0.02),
        "face": pytest.approx(0.036, abs=0.008),
    }


def test_nothing_is_shown_in_the_rows_asked_for():
    method, batch = facestudio(dropping=PAPERS), small_batch()
    shown = method.show(batch, nobody=torch.tensor([True, False]))
    with torch.no_grad():
        torch.testing.assert_close(shown.text[:1], method.layer.null())
        torch.testing.assert_close(shown.text[1:], method.layer(batch.style[1:], batch.face[1:]))
        torch.testing.assert_close(method.show(batch).text, method.layer(batch.style, batch.face))


@pytest.mark.parametrize(("family", "form"), EVERY)
def test_what_was_trained_loads_as_a_file_and_draws_the_same(family, form):
    method, batch = facestudio(family, form=form), small_batch()
    overfit(method, batch, steps=2)
    weights = method.weights()
    flat = {f"{part}.{key}": tensor for part, tensors in weights.items() for key, tensor in tensors.items()}
    adapter, unet = load(flat, description=DESCRIPTION), small_base(family).unet
    if adapter.unet:
        unet.load_state_dict(adapter.unet)
    else:
        replace_key_values(unet, adapter.attention)
        attach(unet, None, lora=adapter.lora)
    with torch.no_grad():
        context, shown = adapter.layer(batch.style, batch.face), method.show(batch)
        assert torch.equal(context, shown.text)
        added = {}
        if family == "sdxl":
            assert adapter.pooled is not None
            assert torch.equal(adapter.pooled(context), shown.pooled)
            added = {"added_cond_kwargs": {"text_embeds": shown.pooled, "time_ids": batch.sizes.float()}}
        call = (batch.latents, torch.tensor(500))
        loaded = unet(*call, encoder_hidden_states=context, **added).sample
        trained = method.base.unet(*call, encoder_hidden_states=context, **added).sample
    torch.testing.assert_close(
        loaded, trained, atol=1e-5, rtol=1e-5
    )  # where weights lie in memory decides the last bit


def test_the_base_is_as_before_once_the_light_form_is_taken_off():
    method, batch = facestudio(), small_batch()
    overfit(method, batch, steps=2)
    text = torch.randn(2, 7, 24)
    with torch.no_grad():
        trained = method.base.unet(batch.latents, torch.tensor(500), text).sample
        method.detach()
        plain = method.base.unet(batch.latents, torch.tensor(500), text).sample
        expected = small_base().unet(batch.latents, torch.tensor(500), text).sample
    assert not torch.equal(trained, plain)
    assert torch.equal(plain, expected)


def test_weights_of_positions_count_in_the_loss():
    method, batch = facestudio(), small_batch()
    weights = torch.zeros(2, 1, 8, 8)
    weights[..., :4] = 1
    assert not torch.equal(method(batch)["loss"], method(replace(batch, weights=weights))["loss"])
