"""A placement on a socket, once it is known who is to be placed."""

from __future__ import annotations

import pytest
import torch
from likeness.models.errors import InvalidSettingError
from likeness.models.people.person import Person
from likeness.models.placement.placements import Everywhere, Masks, MasksFirst
from likeness.tests.host.omniportrait.small_guidance import Router

pytestmark = pytest.mark.comfy

LEFT = torch.zeros(1, 8, 8)
LEFT[:, :, :4] = 1


def people(masks):
    """Ada, Ben, Cid: "m" has a mask, "-" has none."""
    return [
        Person(name=name, mask=LEFT if each == "m" else None)
        for name, each in zip(("Ada", "Ben", "Cid"), masks, strict=False)
    ]


@pytest.fixture
def router():
    return Router(Everywhere(2), weights=object())


@pytest.fixture
def place(router):
    from likeness.host.placement import LoadedPlacement

    def build(by, masks, of=router):
        """ "router!" passes masks over."""
        return LoadedPlacement(by.rstrip("!"), of, masks_first=not by.endswith("!")).of(people(masks))

    return build


@pytest.mark.parametrize(
    ("by", "masks", "ways", "kind", "asked"),
    [
        ("masks", "mm", ("mask", "mask"), Masks, []),
        ("masks", "m-", ("mask", "rest"), MasksFirst, []),
        ("masks", "-", ("everywhere",), Everywhere, []),
        ("router!", "mm", ("router", "router"), Everywhere, [["Ada", "Ben"]]),
        ("router", "-", ("everywhere",), Everywhere, []),
        ("router", "mm", ("mask", "mask"), Masks, []),
        ("router", "--", ("router", "router"), Everywhere, [["Ada", "Ben"]]),
        ("router", "-m-", ("router", "mask", "router"), MasksFirst, [["Ada", "Cid"]]),
        ("router", "m-", ("mask", "rest"), MasksFirst, []),
    ],
)
def test_the_router_is_asked_about_those_it_places_and_loaded_only_then(place, router, by, masks, ways, kind, asked):
    placed = place(by, masks)
    assert placed.ways == ways
    assert type(placed.placement) is kind
    assert router.asked == asked
    assert placed.weights == ((router.weights,) if asked else ())


def test_the_router_s_people_are_those_without_a_mask(place):
    placement = place("router", "-m-").placement
    assert (placement.masked, placement.others) == ((1,), (0, 2))


@pytest.mark.parametrize("by", ["router", "router!"])
def test_without_a_router_those_whom_it_would_place_are_named(place, by):
    with pytest.raises(InvalidSettingError, match=r'A router is to place "Ada", "Ben", and there is none'):
        place(by, "--", of=None)


def test_a_router_that_is_not_needed_may_be_missing(place):
    assert place("router!", "m", of=None).ways == ("everywhere",)
    assert place("router", "mm", of=None).weights == ()


def test_masks_alone_let_nobody_blend(place, router):
    from likeness.host.placement import MASKS_ONLY

    with pytest.raises(InvalidSettingError, match=r'2 of 3 people have no mask \("Ada", "Cid"\)'):
        place("masks", "-m-")
    with pytest.raises(InvalidSettingError, match="Place People by words, faces or a router"):
        MASKS_ONLY.of(people("--"))
    assert router.asked == []


@pytest.mark.parametrize(("by", "is_asked"), [("masks", False), ("words", False), ("router", True)])
def test_a_router_must_fit_the_model_where_it_decides(router, by, is_asked):
    from likeness.host.placement import LoadedPlacement

    model = object()
    LoadedPlacement(by, router).require_fit(model)
    assert (router.fitted is model) is is_asked
    LoadedPlacement(by).require_fit(model)  # without a router there is nothing to fit


def test_people_at_their_words_or_faces_are_looked_for_and_it_is_said_what_counts_until_then():
    from likeness.host.placement import LoadedPlacement
    from likeness.models.placement.found import Found

    by_words = LoadedPlacement("words", otherwise="nearest", is_soft=True)
    placed = by_words.of(people("-m-"), (0, 2, 5))
    assert placed.ways == ("words", "mask", "words")
    assert placed.states == [
        "at their words, else the nearest's",
        "mask",
        "at their words, else the nearest's",
    ]
    assert isinstance(placed.placement, MasksFirst)
    found = placed.placement.placement
    assert isinstance(found, Found)
    assert (found.places, found.otherwise, found.is_soft) == ((0, 5), "nearest", True)
    [watch] = placed.watches
    assert (watch.look, watch.names) == (by_words.words, {0: "Ada", 5: "Cid"})
    assert LoadedPlacement("words").of(people("-")).ways == ("words",)  # one person alone too


def test_one_look_at_faces_serves_all_methods_with_the_same_people():
    from likeness.host.placement import LoadedPlacement
    from likeness.tests.host.omniportrait.small_guidance import by_face

    where, everybody = by_face(), people("--")
    first, second, other = (where.of(each) for each in (everybody, everybody, people("--")))
    assert first.watches[0].look is second.watches[0].look
    assert other.watches[0].look is not first.watches[0].look
    with pytest.raises(InvalidSettingError, match="connect vae to Place People"):
        LoadedPlacement("faces").of(everybody)


def test_masks_that_come_with_the_placement_go_before_people_s_own():
    from likeness.host.placement import LoadedPlacement

    right = 1 - LEFT
    where = LoadedPlacement("masks", masks=(right, None, right))
    ada, ben = where.masks_of(people("mm"), (0, 1))
    assert ada is right
    assert ben is not None
    assert torch.equal(ben, LEFT)
    assert where.masks_of(people("-"), (7,)) == [None]
