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
    assert list(by.options) == ["router", "masks", "words", "faces"]
    assert by.default == "words"


def test_masks_need_no_router(place):
    placed = place(by="masks").of(list(crowd(2, mask=torch.ones(4, 4))))
    assert (placed.ways, placed.weights) == (("mask", "mask"), ())


def test_without_uniportrait_several_people_have_no_router(place):
    with pytest.raises(InvalidSettingError, match="connect uniportrait to Place People"):
        place(by="router").of(list(crowd(2)))


def test_uniportrait_s_router_tells_people_apart(place, adapter):
    placed = place(by="router", masks_first=False, uniportrait=adapter).of(list(crowd(2, mask=torch.ones(4, 4))))
    assert placed.ways == ("router", "router")
    assert isinstance(placed.placement, Routed)
    assert placed.weights == (adapter.attention,)


def test_the_structure_scale_is_that_of_the_router(place, adapter):
    tokens = [
        place(by="router", uniportrait=adapter, structure_scale=scale).of(list(crowd(2))).placement.tokens
        for scale in (-1.0, 0.3, 0.9)
    ]
    assert torch.equal(tokens[0], tokens[1])
    assert not torch.equal(tokens[0], tokens[2])


def test_a_router_chooses_as_often_as_the_widget_says(place, adapter):
    every = [
        place(by="router", uniportrait=adapter, **given).of(list(crowd(2))).placement.every
        for given in ({}, {"route_every": 3})
    ]
    assert every == [1, 3]


def test_widgets_say_how_people_are_found(place):
    from likeness.tests.host.omniportrait.small_guidance import Detector, Vae

    vae, detector = Vae(), Detector()
    placement = place(
        by="faces", vae=vae, face_detector=detector, order="most alike", look_every=7, soft=True, not_found="nobody"
    )
    assert (placement.is_soft, placement.otherwise, placement.masks_first) == (True, "nobody", True)
    assert (placement.faces.vae, placement.faces.order, placement.faces.every) == (vae, "most alike", 7)
    assert placement.faces.detector() is detector
    assert place(by="faces", vae=vae, order="as given").faces.order == "left to right"
    assert place(by="faces").faces is None


def test_masks_boxes_and_landmarks_become_masks_of_people(place):
    from likeness.tests.models.placement.small_boxes import box

    masks = torch.zeros(4, 8, 8)
    masks[1, :4] = masks[3, 4:] = 1
    _, second = place(by="masks", masks=masks, people=crowd(2)).masks
    assert torch.equal(second, masks[[1, 3]])
    with pytest.raises(InvalidSettingError, match="3 masks for 2 people"):
        place(by="masks", masks=masks[:3], people=crowd(2))
    left, right, *others = place(by="masks", boxes=[box(64, 0, 64, 64), box(0, 0, 64, 64)], width=128, height=64).masks
    assert left[0, :, :8].all()
    assert right[0, :, 8:].all()
    assert not any(other is not None for other in others)
    first, *_ = place(by="masks", boxes=[box(64, 0, 64, 64)], image=torch.zeros(1, 64, 128, 3), order="as given").masks
    assert torch.equal(first, right)
    with pytest.raises(InvalidSettingError, match="nothing says how large it is; connect image to Place People"):
        place(by="masks", boxes=box(0, 0, 9, 9))
    with pytest.raises(InvalidSettingError, match="has masks and boxes, and each says where people are"):
        place(by="masks", masks=masks, boxes=box(0, 0, 9, 9), width=64, height=64)


def test_boxes_are_a_socket_though_newer_pages_have_a_widget_of_that_type():
    from likeness.nodes.placement.place import PlacePeople

    _, options = PlacePeople.INPUT_TYPES()["optional"]["boxes"]
    assert options["forceInput"]
