"""The people whom a UNet in training sees: those of the last batch, each row its own, with gradients to all of them."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

pytest.importorskip("diffusers")

from likeness.diffusers_host.attention import RunContext, attach
from likeness.models.adapters.decoupled_cross_attention import KeyValueProjection, decoupled_cross_attention
from likeness.models.placement.placements import Everywhere
from likeness.models.port.attention import AttentionCall, AttentionSite, Polarity, Run
from likeness.tests.training.small_world import small_base
from likeness.training.adapter_networks import new_attention
from likeness.training.shown_people import ShownPeople
from torch import nn

SITE = AttentionSite(kind="cross", block=("input", 1, 0), index=1, channels=8, path="")


@pytest.fixture
def shown():
    torch.manual_seed(0)
    return ShownPeople(nn.ModuleDict({"1": KeyValueProjection(5, 8)}))


def randn(seed, *shape):
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def call(rows=2):
    return AttentionCall(
        hidden=randn(0, rows, 6, 8), query=randn(1, rows, 6, 8), base=None, heads=2, grid=(2, 3),
        polarity=Polarity.POSITIVE, samples=tuple(range(rows)), sigma=0.0, crop=None, run=Run(),
    )  # fmt: skip


def test_it_wants_the_layers_with_keys_and_values_and_adds_nothing_before_the_first_batch(shown):
    assert shown.wants(SITE)
    assert not shown.wants(replace(SITE, index=3))
    assert not shown.wants(replace(SITE, kind="self"))
    assert shown(SITE, call()) is None


def test_each_row_sees_the_people_of_the_batch_that_was_shown_last(shown):
    asked = call()
    for seed, people in ((2, 1), (3, 3)):
        tokens = randn(seed, 2, people, 4, 5)
        shown.show(tokens, Everywhere(people))
        keys, values = shown.attention["1"](tokens)
        expected = decoupled_cross_attention(asked.query, keys, values, torch.tensor(1 / people), asked.heads)
        for _ in range(2):  # gradient checkpointing asks again
            torch.testing.assert_close(shown(SITE, asked), expected)


def test_gradients_reach_tokens_keys_and_values_of_every_layer():
    base = small_base()
    shown = ShownPeople(new_attention(base.unet))
    detach = attach(base.unet, shown, context=RunContext(sigma=0.0))
    tokens = randn(2, 2, 1, 4, 24).requires_grad_(True)
    shown.show(tokens, Everywhere(1))
    base.unet(randn(3, 2, 4, 8, 8), torch.tensor(500), randn(4, 2, 7, 24)).sample.square().mean().backward()
    detach()
    assert tokens.grad.flatten(1).any(1).all()
    assert all(weight.grad.any() for weight in shown.attention.parameters())
