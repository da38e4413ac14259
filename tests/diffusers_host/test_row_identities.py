"""People of many pictures at once: each row is what it would be for its picture alone, in ComfyUI's residual."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

pytest.importorskip("diffusers")

from likeness.diffusers_host.row_identities import RowIdentities
from likeness.models.adapters.identity_attention import IdentityResidual, Person
from likeness.models.adapters.key_value import KeyValueProjection
from likeness.models.placement.placements import Everywhere
from likeness.models.port.attention import AttentionCall, AttentionSite, Polarity, Run
from likeness.models.uniportrait.adapter import Routed
from likeness.models.uniportrait.id_routing import IDRouter
from torch import nn

SITE = AttentionSite(kind="cross", block=("input", 1, 0), index=1, channels=8, path="")
TOKENS, WIDTH, GRID = 4, 5, (6, 5)


@pytest.fixture(scope="module")
def networks():
    torch.manual_seed(0)
    router = IDRouter(channels=8, hidden_position=16, hidden_identity=10, tokens=TOKENS, width=WIDTH)
    networks = {
        "attention": nn.ModuleDict({"1": KeyValueProjection(WIDTH, 8)}),
        "routers": nn.ModuleDict({"1": router}),
        "negative": torch.randn(1, TOKENS, WIDTH),
    }
    for name in ("attention", "routers"):
        networks[name].requires_grad_(False)
    return networks


def people(pictures, count):
    return torch.randn(pictures, count, TOKENS, WIDTH, generator=torch.Generator().manual_seed(count))


def call(polarity, samples=(0,)):
    generator = torch.Generator().manual_seed(1)
    hidden, query = (torch.randn(4, GRID[0] * GRID[1], 8, generator=generator)[list(samples)] for _ in range(2))
    return AttentionCall(
        hidden=hidden, query=query, base=None, heads=2, grid=GRID, polarity=polarity, samples=samples, sigma=1.0,
        crop=None, run=Run(),
    )  # fmt: skip


def residual(networks, tokens, strength=1.0, placement=None):
    """What ComfyUI runs for one picture, (N, T, D)."""
    return IdentityResidual(
        attention=networks["attention"],
        tokens=tokens,
        null_tokens=networks["negative"],
        people=tuple(Person(name=f"{number}", strength=strength) for number in range(len(tokens))),
        placement=placement or Routed(networks["routers"], tokens),
    )


BOTH = pytest.mark.parametrize("polarity", [Polarity.POSITIVE, Polarity.NEGATIVE])


@BOTH
@pytest.mark.parametrize("strength", [1.0, 0.7])
@pytest.mark.parametrize("count", [1, 2, 3])
def test_one_picture_gets_what_comfyui_gives_it(networks, count, strength, polarity):
    tokens, asked = people(1, count), call(polarity)
    found = RowIdentities(tokens=tokens, strength=strength, **networks)(SITE, asked)
    torch.testing.assert_close(found, residual(networks, tokens[0], strength)(SITE, asked))


@BOTH
@pytest.mark.parametrize("choice", ["argmax", "softmax", "everybody"])
def test_every_row_gets_its_own_people(networks, polarity, choice):
    tokens, samples = people(4, 2), (2, 0, 3)
    asked = call(polarity, samples)
    together = RowIdentities(tokens=tokens, choice=choice, **networks)(SITE, asked)
    for row, sample in enumerate(samples):
        one = replace(asked, hidden=asked.hidden[row : row + 1], query=asked.query[row : row + 1], samples=(0,))
        alone = RowIdentities(tokens=tokens[sample : sample + 1], choice=choice, **networks)(SITE, one)
        torch.testing.assert_close(together[row : row + 1], alone)


@BOTH
def test_without_a_router_everybody_is_added_everywhere(networks, polarity):
    tokens, asked = people(1, 2), call(polarity)
    found = RowIdentities(tokens=tokens, choice="everybody", **networks)(SITE, asked)
    alone = [residual(networks, person[None], placement=Everywhere(1))(SITE, asked) for person in tokens[0]]
    torch.testing.assert_close(found, alone[0] + alone[1])


def test_a_soft_choice_mixes_people_by_the_routers_preference(networks):
    tokens, asked = people(1, 2), call(Polarity.POSITIVE)
    found = RowIdentities(tokens=tokens, choice="softmax", **networks)(SITE, asked)
    first, second = (residual(networks, person[None], placement=Everywhere(1))(SITE, asked) for person in tokens[0])
    share = networks["routers"]["1"].logits(asked.hidden, tokens).softmax(-1)[..., :1]
    torch.testing.assert_close(found, share * first + (1 - share) * second)


def test_the_negative_side_is_the_same_whoever_the_people_are(networks):
    asked = call(Polarity.NEGATIVE)
    first, second = (RowIdentities(tokens=shift + people(1, 2), **networks)(SITE, asked) for shift in (0, 1))
    assert torch.equal(first, second)


def test_only_layers_with_keys_and_values_are_wanted(networks):
    identities = RowIdentities(tokens=people(1, 1), **networks)
    assert identities.wants(SITE)
    assert not identities.wants(replace(SITE, index=3))
    assert not identities.wants(replace(SITE, kind="self"))
