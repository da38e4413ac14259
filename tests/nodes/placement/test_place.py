"""Place People: what decides where people are, for any method."""

from __future__ import annotations

import pytest
import torch
from likeness.models.errors import InvalidSettingError
from likeness.models.uniportrait.application import Routed
from likeness.tests.people import crowd

pytestmark = pytest.mark.comfy


@pytest.fixture
def place(execute):
    from likeness.nodes.placement.place import PlacePeople

    return lambda **inputs: execute(PlacePeople, **inputs).result[0]


def test_every_way_of_the_rule_can_be_chosen_and_the_default_needs_nothing():
    from likeness.nodes.placement.place import PlacePeople

    [by, *_] = PlacePeople.define_schema().inputs
    assert list(by.options) == ["router", "masks", "router where no mask is"]
    assert by.default == "router where no mask is"


def test_masks_need_no_router(place):
    placed = place(by="masks").of(list(crowd(2, mask=torch.ones(4, 4))))
    assert (placed.ways, placed.weights) == (("mask", "mask"), ())


def test_without_uniportrait_several_people_have_no_router(place):
    with pytest.raises(InvalidSettingError, match="connect uniportrait to Place People"):
        place().of(list(crowd(2)))


def test_uniportrait_s_router_tells_people_apart(place, adapter):
    placed = place(by="router", uniportrait=adapter).of(list(crowd(2, mask=torch.ones(4, 4))))
    assert placed.ways == ("router", "router")
    assert isinstance(placed.placement, Routed)
    assert placed.weights == (adapter.attention,)


def test_the_structure_scale_is_that_of_the_router(place, adapter):
    tokens = [
        place(uniportrait=adapter, structure_scale=scale).of(list(crowd(2))).placement.tokens
        for scale in (-1.0, 0.3, 0.9)
    ]
    assert torch.equal(tokens[0], tokens[1])
    assert not torch.equal(tokens[0], tokens[2])
