"""Who stands where: choices and weights say the same, and what nobody shares becomes a choice."""

from __future__ import annotations

import pytest
import torch
from likeness.models.placement.placements import Everywhere, Masks, MasksFirst
from likeness.models.placement.standing import Standing, Stands, kept, standing_of
from likeness.models.port.attention import AttentionSite

SITE = AttentionSite(kind="cross", block=("input", 1, 0), index=1, channels=8, path="")
LIKE = torch.zeros(1, 3, 8)


def halves(value=1.0):
    left, right = torch.zeros(2, 1, 4, 4)
    left[..., :2], right[..., 2:] = 1, value
    return left, right


def test_a_choice_as_weights():
    standing = Standing(people=2, choice=torch.tensor([[1, 2, 0]]), has_gaps=True)
    assert standing.shares(LIKE).tolist() == [[[0, 1], [0, 0], [1, 0]]]


def test_one_person_everywhere_as_weights():
    assert Standing(people=1).shares(LIKE.expand(2, -1, -1)).tolist() == [[[1]] * 3] * 2


def test_weights_stay_what_they_are_for_every_row():
    weights = torch.rand(1, 1, 2)
    assert torch.equal(Standing(people=2, weights=weights).shares(LIKE), weights.expand(1, 3, 2))


@pytest.mark.parametrize(
    ("weights", "choice", "has_gaps"),
    [
        ([[1, 0], [0, 1], [1, 0]], [0, 1, 0], False),
        ([[1, 0], [0, 0], [0, 1]], [0, 2, 1], True),
    ],
)
def test_positions_of_one_person_each_become_a_choice(weights, choice, has_gaps):
    standing = kept(torch.tensor([weights], dtype=torch.float32), LIKE.half())
    assert (standing.choice.tolist(), standing.has_gaps) == ([choice], has_gaps)
    assert standing.is_kept
    assert standing.weights is None
    assert standing.shares(LIKE.half()).dtype == torch.float16


@pytest.mark.parametrize("weights", [[[0.5, 0.5]], [[1, 1]], [[0.25, 0]]])
def test_positions_that_are_shared_stay_weights(weights):
    standing = kept(torch.tensor([weights], dtype=torch.float32), LIKE.half())
    assert standing.choice is None
    assert standing.weights.dtype == torch.float16
    assert standing.weights.tolist() == [weights]


@pytest.mark.parametrize(
    ("placement", "is_choice"),
    [
        (Everywhere(1), False),
        (Everywhere(3), False),
        (Masks(halves()), True),
        (Masks(halves(0.0)), True),
        (Masks((torch.full((1, 4, 4), 0.5), torch.full((1, 4, 4), 0.5))), False),
    ],
)
@pytest.mark.parametrize("samples", [(0,), (0, 1)])
def test_standing_says_what_the_placement_s_weights_say(call, placement, is_choice, samples):
    asked = call((4, 4), samples)
    assert isinstance(placement, Stands)
    standing = standing_of(placement, SITE, asked)
    torch.testing.assert_close(standing.shares(asked.query), placement(SITE, asked))
    assert (standing.choice is not None) == is_choice
    assert standing_of(placement, SITE, asked) is standing  # as long as the run lasts


def test_each_picture_stands_by_its_own_mask(call):
    first, second = halves()
    asked = call((4, 4), (0, 1, 2))
    placement = Masks((torch.cat([first, second]), second))
    torch.testing.assert_close(standing_of(placement, SITE, asked).shares(asked.query), placement(SITE, asked))


def test_a_placement_that_knows_no_more_is_asked_for_weights(call):
    placement = MasksFirst((halves()[0],), (1,), (0,), Everywhere(1))
    asked = call((4, 4))
    standing = standing_of(placement, SITE, asked)
    assert (standing.people, standing.is_kept) == (2, False)
    torch.testing.assert_close(standing.weights, placement(SITE, asked))
