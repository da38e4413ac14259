"""Stage II: routers and LoRA learn where people are, the rest stays; choices, their gradients and their noise."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

pytest.importorskip("diffusers")

from likeness.models.port.attention import Polarity
from likeness.models.uniportrait.application import Routed
from likeness.models.uniportrait.checkpoint import load
from likeness.tests.training.gradients import checkpointed_gradients
from likeness.tests.training.overfitting import overfit
from likeness.tests.training.small_world import small_batch, stage_one, stage_two
from likeness.training.batches.draws import Draws
from likeness.training.uniportrait.stage2 import GumbelPlacement, Routing


def filled(method):
    """The method with LoRA matrices that are not zero, so that gradients reach all of it."""
    for layer in method.lora.layers.values():
        for pair in layer.values():
            torch.nn.init.normal_(pair["up"].weight, std=0.1)
    return method


def test_two_pictures_of_two_people_can_be_learned():
    losses = overfit(stage_two(routing=Routing(drop_face=0, weight=0)), small_batch(people=2), steps=25)
    assert losses[-1] < 0.9 * losses[0]


def test_routers_learn_the_boxes():
    method, batch = stage_two(routing=Routing(drop_face=0, weight=10)), small_batch(people=2)
    first = method(batch)["routing"].item()
    overfit(method, batch, steps=25, rate=1e-2)
    assert method(batch)["routing"].item() < 0.7 * first


def test_gradients_reach_exactly_what_stage_two_trains():
    method = filled(stage_two())
    method(small_batch(people=2))["loss"].backward()
    without = [name for name, weight in method.named_parameters() if weight.grad is None]
    assert not without
    # the same for everybody, so the softmax over people cannot see them
    shared = ("aggr_router.bias", "to_q_router.2.bias")
    still = [name for name, weight in method.named_parameters() if not weight.grad.any() and not name.endswith(shared)]
    assert not still
    assert {name.split(".")[0] for name, _ in method.named_parameters()} == {"routers", "lora"}
    assert set(map(id, method.trained())) == set(map(id, method.parameters()))
    networks = method.networks
    frozen = [*networks.id_embedding.parameters(), *networks.attention.parameters(), *method.base.unet.parameters()]
    assert not any(weight.requires_grad or weight.grad is not None for weight in frozen)


def test_the_loss_is_the_sum_of_its_parts():
    losses = stage_two(routing=Routing(weight=0.3, drop_face=0))(small_batch(people=2))
    torch.testing.assert_close(losses["loss"], losses["denoising"] + 0.3 * losses["routing"])


def test_the_form_of_the_regularisation_is_the_one_that_was_asked_for():
    losses = {
        form: stage_two(routing=Routing(form=form, drop_face=0))(small_batch(people=2)) for form in ("sum", "mean")
    }
    fewest, most = 1, 64  # positions of the small UNet's layers
    assert fewest < losses["sum"]["routing"] / losses["mean"]["routing"] < most
    assert torch.equal(losses["sum"]["denoising"], losses["mean"]["denoising"])


def test_checkpointing_changes_no_gradient():
    for plain, checkpointed in checkpointed_gradients(
        lambda: filled(stage_two(routing=Routing(weight=1.0))), small_batch(people=2)
    ):
        torch.testing.assert_close(plain, checkpointed)


@pytest.fixture
def placed(monkeypatch):
    """A list of site, call and weights of everything that is placed."""
    seen, place = [], GumbelPlacement.__call__

    def watch(self, site, call):
        seen.append((site, call, place(self, site, call)))
        return seen[-1][2]

    monkeypatch.setattr(GumbelPlacement, "__call__", watch)
    return seen


def shares_of(method):
    """Shares of the last batch by site."""
    return {index: shares for index, (shares, _) in method.shown.residual.placement.seen.items()}


def test_choices_are_hard_and_their_gradient_is_the_soft_one(placed):
    stage_two(routing=Routing(tau=0.7))(small_batch(people=3))
    assert len(placed) == 16
    for _, _, one in placed:
        assert one.requires_grad
        torch.testing.assert_close(one.max(dim=-1).values, torch.ones(one.shape[:2]))
        torch.testing.assert_close(one.sum(dim=-1), torch.ones(one.shape[:2]))


def test_without_noise_every_choice_is_the_likeliest_and_gradients_still_pass(placed, monkeypatch):
    method = filled(stage_two(routing=Routing(has_noise=False)))
    monkeypatch.setattr(Draws, "gumbel", None)
    method(small_batch(people=3))["loss"].backward()
    assert any(weight.grad.any() for weight in method.routers.parameters())
    chosen = {site.index: weights for site, _, weights in placed}
    assert len(chosen) == 16
    for index, shares in shares_of(method).items():
        assert torch.equal(chosen[index].argmax(-1), shares.argmax(-1))


def test_absent_people_get_no_place_and_cost_nothing():
    alone = small_batch(rows=1, people=2)
    generator = torch.Generator().manual_seed(7)
    beside = small_batch(rows=1, people=3)
    changes = {}
    for name in ("intrinsic", "structure", "boxes"):
        kept = getattr(alone, name)
        stranger = torch.rand(getattr(beside, name)[:, 2:].shape, generator=generator)
        changes[name] = torch.cat([kept, stranger], dim=1)
    crowd = replace(alone, **changes, present=torch.tensor([[True, True, False]]))
    method = stage_two()
    method(alone)
    shares = shares_of(method)
    routed = method(crowd)["routing"]
    for index, seen in shares_of(method).items():
        torch.testing.assert_close(seen[..., :2], shares[index], atol=1e-5, rtol=1e-5)
        assert not seen[..., 2].any()
    torch.testing.assert_close(routed, method(alone)["routing"])


def test_sampling_places_people_as_the_nodes_do(placed):
    method, batch = filled(stage_two()), small_batch(rows=1, people=2)
    with torch.no_grad():
        method.show(batch)
        method.base.unet(batch.latents, torch.tensor(500), batch.text)
    adapter = load(stage_one().weights() | {}, method.weights(), dim_head=8)
    routed = Routed(adapter.routers, method.shown.residual.tokens[0])
    assert len(placed) == 16
    for site, call, weights in placed:
        assert call.polarity is Polarity.POSITIVE
        assert torch.equal(routed(site, call), weights)


def test_the_noise_depends_on_the_seed_alone():
    first, again, other = (stage_two(seed=seed)(small_batch(people=2))["loss"] for seed in (1, 1, 2))
    assert torch.equal(first, again)
    assert not torch.equal(first, other)


def test_what_was_trained_loads_as_a_published_router_file():
    method = stage_two()
    overfit(method, small_batch(people=2), steps=2)
    adapter = load(stage_one().weights(), method.weights(), dim_head=8)
    assert adapter.multi_lora is not None
    for index, projections in method.lora.pairs().items():
        for projection, (down, up) in projections.items():
            assert torch.equal(adapter.multi_lora[index][projection][0], down)
            assert torch.equal(adapter.multi_lora[index][projection][1], up)
    for key, weight in method.routers.state_dict().items():
        assert torch.equal(adapter.routers.state_dict()[key], weight)
