"""Placements of many pictures at once: each row is what it would be for its picture alone, as the nodes place people."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from likeness.miniature.ablations.routing import RoutedRows, find_people, phrase_rows, way_to_place
from likeness.miniature.world.captions import Caption
from likeness.models.adapters.decoupled_cross_attention import KeyValueProjection
from likeness.models.adapters.identity_attention import Acting, IdentityResidual
from likeness.models.placement.placements import Everywhere
from likeness.models.port.attention import AttentionCall, AttentionSite, Polarity, Run
from likeness.models.uniportrait.application import Routed
from likeness.models.uniportrait.id_routing import IDRouter
from torch import nn

SITE = AttentionSite(kind="cross", block=("input", 1, 0), index=1, channels=8, path="")
TOKENS, WIDTH, GRID = 4, 5, (6, 5)
BOTH = pytest.mark.parametrize("polarity", [Polarity.POSITIVE, Polarity.NEGATIVE])


@pytest.fixture(scope="module")
def routers():
    torch.manual_seed(0)
    router = IDRouter(channels=8, hidden_position=16, hidden_identity=10, tokens=TOKENS, width=WIDTH)
    return nn.ModuleDict({"1": router}).requires_grad_(False)


@pytest.fixture(scope="module")
def residual():
    """A function: tokens and a placement to what is added to attention."""
    torch.manual_seed(1)
    attention = nn.ModuleDict({"1": KeyValueProjection(WIDTH, 8)}).requires_grad_(False)
    null = torch.randn(1, TOKENS, WIDTH)

    def build(tokens, placement, strength=1.0):
        people = tuple(Acting(name=f"{number}", strength=strength) for number in range(tokens.shape[-3]))
        return IdentityResidual(attention, tokens, null, people, placement)

    return build


def people(pictures, count):
    return torch.randn(pictures, count, TOKENS, WIDTH, generator=torch.Generator().manual_seed(count))


def call(polarity, samples=(0,)):
    generator = torch.Generator().manual_seed(1)
    hidden, query = (torch.randn(4, GRID[0] * GRID[1], 8, generator=generator)[list(samples)] for _ in range(2))
    return AttentionCall(
        hidden=hidden, query=query, base=None, heads=2, grid=GRID, polarity=polarity, samples=samples, sigma=1.0,
        crop=None, run=Run(),
    )  # fmt: skip


@BOTH
@pytest.mark.parametrize("strength", [1.0, 0.7])
@pytest.mark.parametrize("count", [1, 2, 3])
def test_one_picture_gets_what_the_nodes_give_it(routers, residual, count, strength, polarity):
    tokens, asked = people(1, count), call(polarity)
    found = residual(tokens, RoutedRows(routers=routers, tokens=tokens), strength)(SITE, asked)
    expected = residual(tokens[0], Routed(routers, tokens[0]), strength)(SITE, asked)
    torch.testing.assert_close(found, expected)


@BOTH
@pytest.mark.parametrize("choice", ["argmax", "softmax", "everybody"])
def test_every_row_gets_its_own_people(routers, residual, polarity, choice):
    tokens, samples = people(4, 2), (1, 2, 3)
    asked = call(polarity, samples)
    together = residual(tokens, RoutedRows(routers=routers, tokens=tokens, choice=choice))(SITE, asked)
    for row, sample in enumerate(samples):
        one = replace(asked, hidden=asked.hidden[row : row + 1], query=asked.query[row : row + 1], samples=(0,))
        own = tokens[sample : sample + 1]
        alone = residual(own, RoutedRows(routers=routers, tokens=own, choice=choice))(SITE, one)
        torch.testing.assert_close(together[row : row + 1], alone)


@BOTH
def test_without_a_router_everybody_is_added_everywhere(residual, polarity):
    tokens, asked = people(1, 2), call(polarity)
    placement = RoutedRows(routers=nn.ModuleDict(), tokens=tokens, choice="everybody")
    found = residual(tokens, placement)(SITE, asked)
    alone = [residual(person[None], Everywhere(1))(SITE, asked) for person in tokens[0]]
    torch.testing.assert_close(found, alone[0] + alone[1])


def test_people_in_halves_have_the_left_and_the_right_of_every_picture():
    tokens, asked = people(4, 2), call(Polarity.POSITIVE, (1, 2))
    weights = way_to_place("halves", nn.ModuleDict(), tokens, [])(SITE, replace(asked, grid=(5, 6)))
    columns = weights.expand(2, 30, 2).unflatten(1, (5, 6))
    assert torch.equal(columns[:, :, :3, 0], torch.ones(2, 5, 3))
    assert torch.equal(columns[..., 1], 1 - columns[..., 0])


def test_equal_parts_are_of_every_position():
    weights = way_to_place("equal parts", nn.ModuleDict(), people(1, 4), [])(SITE, call(Polarity.POSITIVE))
    assert torch.equal(weights, torch.full((1, 30, 4), 0.25))


@pytest.mark.parametrize("choice", ["argmax", "softmax", "everybody"])
def test_other_ways_are_choices_of_the_routers(routers, choice):
    tokens, asked, noted = people(1, 2), call(Polarity.POSITIVE), []
    found = way_to_place(choice, routers, tokens, noted)(SITE, asked)
    assert torch.equal(found, RoutedRows(routers=routers, tokens=tokens, choice=choice)(SITE, asked))
    assert len(noted) == (0 if choice == "everybody" else 1)


def test_a_soft_choice_mixes_people_by_the_routers_preference(routers):
    tokens, asked = people(1, 3), call(Polarity.POSITIVE)
    soft = RoutedRows(routers=routers, tokens=tokens, choice="softmax")(SITE, asked)
    hard = RoutedRows(routers=routers, tokens=tokens)(SITE, asked)
    torch.testing.assert_close(soft, routers["1"].logits(asked.hidden, tokens).softmax(-1))
    assert torch.equal(soft.argmax(-1), hard.argmax(-1))


def test_the_entropy_is_noted_where_a_router_is_asked_and_nowhere_else(routers):
    tokens, noted = people(1, 2), []
    placement = RoutedRows(routers=routers, tokens=tokens, entropies=noted)
    for polarity in (Polarity.POSITIVE, Polarity.NEGATIVE):
        placement(SITE, call(polarity))
    shares = routers["1"].logits(call(Polarity.POSITIVE).hidden, tokens).softmax(-1)
    expected = torch.distributions.Categorical(shares).entropy().mean()
    assert noted == [pytest.approx(float(expected), abs=1e-6)]


def test_everything_that_is_said_of_somebody_is_their_words():
    caption = Caption(
        "a man in a red shirt with glasses on the left and a girl wearing a blue shirt on the right, in front of stripes",
        ((2, 5), (52, 56)),
    )
    assert caption.text[52:56] == "girl"
    rows = phrase_rows([caption, Caption("a boy and a man", ((2, 5), (12, 15)))])
    assert rows.shape[:2] == (2, 2)
    said = {2: "man", 3: "in", 4: "a", 5: "red", 6: "shirt", 7: "with", 8: "glasses", 9: "on", 10: "the", 11: "left"}
    assert rows[0, 0].tolist() == list(said)
    assert rows[1, :, 0].tolist() == [2, 5]
    assert (rows[1, :, 1:] == -1).all()


def test_people_who_are_looked_for_bring_their_looks():
    captions = [Caption("a boy and a man", ((2, 5), (12, 15)))]
    by_words = find_people("words", captions, lambda latents: [])
    by_faces = find_people("faces", captions, lambda latents: [])
    assert by_words is not None
    assert by_faces is not None
    assert (by_words.placement.look, by_words.placement.places) == (by_words.looks.words, (0, 1))
    assert (by_faces.placement.look, by_faces.looks.rows) == (by_faces.looks.faces, None)
    assert find_people("argmax", captions, lambda latents: []) is None
    with pytest.raises(ValueError, match="find_people"):
        way_to_place("faces", nn.ModuleDict(), people(1, 2), [])
