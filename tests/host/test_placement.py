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

    return lambda by, masks, of=router: LoadedPlacement(by, of).of(people(masks))


@pytest.mark.parametrize(
    ("by", "masks", "ways", "kind", "asked"),
    [
        ("masks", "mm", ("mask", "mask"), Masks, []),
        ("masks", "m-", ("mask", "rest"), MasksFirst, []),
        ("masks", "-", ("everywhere",), Everywhere, []),
        ("router", "mm", ("router", "router"), Everywhere, [["Ada", "Ben"]]),
        ("router", "-", ("everywhere",), Everywhere, []),
        ("router where no mask is", "mm", ("mask", "mask"), Masks, []),
        ("router where no mask is", "--", ("router", "router"), Everywhere, [["Ada", "Ben"]]),
        ("router where no mask is", "-m-", ("router", "mask", "router"), MasksFirst, [["Ada", "Cid"]]),
        ("router where no mask is", "m-", ("mask", "rest"), MasksFirst, []),
    ],
)
def test_the_router_is_asked_about_those_it_places_and_loaded_only_then(place, router, by, masks, ways, kind, asked):
    placed = place(by, masks)
    assert placed.ways == ways
    assert type(placed.placement) is kind
    assert router.asked == asked
    assert placed.weights == ((router.weights,) if asked else ())


def test_the_router_s_people_are_those_without_a_mask(place):
    placement = place("router where no mask is", "-m-").placement
    assert (placement.masked, placement.others) == ((1,), (0, 2))


@pytest.mark.parametrize("by", ["router", "router where no mask is"])
def test_without_a_router_those_whom_it_would_place_are_named(place, by):
    with pytest.raises(InvalidSettingError, match=r'A router is to place "Ada", "Ben", and there is none'):
        place(by, "--", of=None)


def test_a_router_that_is_not_needed_may_be_missing(place):
    assert place("router", "m", of=None).ways == ("everywhere",)
    assert place("router where no mask is", "mm", of=None).weights == ()


def test_masks_alone_let_nobody_blend(place, router):
    from likeness.host.placement import MASKS_ONLY

    with pytest.raises(InvalidSettingError, match=r'2 of 3 people have no mask \("Ada", "Cid"\)'):
        place("masks", "-m-")
    with pytest.raises(InvalidSettingError, match="Place People with a router"):
        MASKS_ONLY.of(people("--"))
    assert router.asked == []


@pytest.mark.parametrize(("by", "is_asked"), [("masks", False), ("router", True), ("router where no mask is", True)])
def test_a_router_must_fit_the_model_where_it_decides(router, by, is_asked):
    from likeness.host.placement import LoadedPlacement

    model = object()
    LoadedPlacement(by, router).require_fit(model)
    assert (router.fitted is model) is is_asked
    LoadedPlacement(by).require_fit(model)  # without a router there is nothing to fit
