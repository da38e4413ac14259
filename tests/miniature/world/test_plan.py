"""Plans of pictures: every choice occurs, and what is planned can be drawn and said."""

from __future__ import annotations

import pytest
import torch
from likeness.miniature.world.facts import ACCESSORIES, PATTERNS, SIDES
from likeness.miniature.world.layout import ALONE, LAYOUTS, PORTRAIT, SCENES
from likeness.miniature.world.palette import CLOTHING_NAMES, TINT_NAMES
from likeness.miniature.world.people.identity import codes_of
from likeness.miniature.world.plan import NOBODY, PLAIN, plan_portraits, plan_scenes

POOL = torch.tensor([7, 500, 30_000, 12_345])
COUNT = 400


def test_everything_that_can_be_chosen_is_chosen():
    plan = plan_scenes(1, range(COUNT), (1, 4), POOL)
    facts, there = plan.facts, plan.codes[..., 0] != NOBODY
    assert facts.people.unique().tolist() == [1, 2, 3, 4]
    assert facts.pattern.unique().tolist() == list(range(len(PATTERNS)))
    assert facts.tint.unique().tolist() == list(range(len(TINT_NAMES)))
    assert facts.clothing[there].unique().tolist() == list(range(len(CLOTHING_NAMES)))
    assert facts.accessory[there].unique().tolist() == list(range(len(ACCESSORIES)))
    assert facts.side.unique().tolist() == [NOBODY, *range(len(SIDES))]
    assert {LAYOUTS[number] for number in plan.layout.tolist()} == {each for layouts in SCENES for each in layouts}
    assert float((facts.accessory[there] == 0).float().mean()) == pytest.approx(PLAIN, abs=0.06)


def test_a_layout_has_as_many_places_as_there_are_people():
    plan = plan_scenes(1, range(COUNT), (1, 4), POOL)
    for count, layout, side in zip(plan.facts.people, plan.layout, plan.facts.side, strict=True):
        assert len(LAYOUTS[layout].places) == count
        assert (side >= 0) == (count == 1)
        assert count > 1 or LAYOUTS[layout] is ALONE[side]


def test_where_nobody_is_there_is_no_code_either():
    plan = plan_scenes(1, range(COUNT), (1, 3), POOL)
    there = torch.arange(3) < plan.facts.people[:, None]
    assert not there.all()
    for codes in (plan.codes.amax(-1), plan.codes.amin(-1), plan.facts.clothing, plan.facts.accessory):
        assert ((codes == NOBODY) == ~there).all()


def test_people_come_from_the_pool_unless_they_are_given():
    plan = plan_scenes(1, range(COUNT), (2, 2), POOL)
    assert torch.equal(plan.codes.flatten(0, 1).unique(dim=0), codes_of(POOL).unique(dim=0))
    given = codes_of(torch.tensor([[1, 2], [3, 4]]))
    assert torch.equal(plan_scenes(1, range(2), (2, 2), POOL, given).codes, given)


def test_portraits_are_of_the_people_of_the_scenes_in_their_order():
    scenes, portraits = plan_scenes(1, range(6), (2, 2), POOL), plan_portraits(1, range(6), 2, POOL)
    assert torch.equal(portraits.codes[:, 0], scenes.codes.flatten(0, 1))
    assert {LAYOUTS[number] for number in portraits.layout.tolist()} == {PORTRAIT}
    assert (portraits.facts.people == 1).all()
    assert not torch.equal(portraits.facts.clothing[:, 0], scenes.facts.clothing.flatten())


def test_open_mouths_are_open_by_a_visible_length():
    opening = plan_scenes(1, range(COUNT), (1, 1), POOL).pose.opening
    assert 0.3 < float((opening == 0).float().mean()) < 0.5
    assert opening[opening > 0].min() >= 0.06
