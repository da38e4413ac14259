"""The one rule for who is placed how."""

import pytest
import torch
from likeness.models.errors import InvalidSettingError
from likeness.models.placement.placements import Everywhere, Masks, MasksFirst
from likeness.models.placement.rule import place, ways

MASK = torch.ones(1, 4, 4)


@pytest.mark.parametrize(
    ("masks", "by", "expected"),
    [
        ("-", "masks", ["everywhere"]),
        ("-", "router", ["everywhere"]),
        ("-", "words", ["words"]),
        ("m-", "words", ["mask", "words"]),
        ("mm", "faces!", ["faces", "faces"]),
        ("--", "faces", ["faces", "faces"]),
        ("m", "masks", ["mask"]),
        ("m", "router!", ["everywhere"]),
        ("mm", "masks", ["mask", "mask"]),
        ("m-", "masks", ["mask", "rest"]),
        ("-m", "router", ["rest", "mask"]),
        ("mm", "router!", ["router", "router"]),
        ("--", "router", ["router", "router"]),
        ("-m-", "router", ["router", "mask", "router"]),
    ],
)
def test_how_people_are_placed(masks, by, expected):
    """ "!" passes masks over."""
    given = [MASK if each == "m" else None for each in masks]
    names = [f"person {number}" for number in range(len(given))]
    assert list(ways(names, given, by.rstrip("!"), masks_first=not by.endswith("!"))) == expected


@pytest.mark.parametrize("masks", ["--", "m--"])
def test_several_without_a_mask_are_named_where_only_masks_count(masks):
    names = ["Ada", "Ben", "Cid"][: len(masks)]
    given = [MASK if each == "m" else None for each in masks]
    with pytest.raises(InvalidSettingError, match=r"have no mask .*\"Ben\".*Place People by words, faces or a router"):
        ways(names, given, "masks")


def test_an_unknown_way_is_named():
    with pytest.raises(InvalidSettingError, match='by is "magic"; choose one of: router, masks'):
        ways(["Ada"], [None], "magic")


def test_the_router_is_asked_about_those_it_places():
    asked = []

    def route(places):
        asked.append(places)
        return Everywhere(len(places))

    placed = place([None, MASK, None], ("router", "mask", "router"), route)
    assert asked == [(0, 2)]
    assert isinstance(placed, MasksFirst)
    assert (placed.masked, placed.others) == ((1,), (0, 2))


@pytest.mark.parametrize(
    ("masks", "chosen", "kind"),
    [
        ([None], ("everywhere",), Everywhere),
        ([MASK], ("everywhere",), Everywhere),  # a router's only person; the mask is passed over
        ([MASK, MASK], ("mask", "mask"), Masks),
        ([MASK, None], ("mask", "rest"), MasksFirst),
    ],
)
def test_without_routed_people_no_router_is_asked(masks, chosen, kind):
    def route(places):
        raise AssertionError("nobody is routed")

    assert isinstance(place(masks, chosen, route), kind)
