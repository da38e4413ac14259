"""FaceStudio's people are placed by masks in the way of its paper, and else as Place People says."""

import pytest
import torch
from likeness.models.people.person import People

pytestmark = pytest.mark.comfy


def test_the_mask_of_all_is_as_large_as_the_largest():
    from likeness.host.facestudio.places import NO_MASK, together

    left, right = torch.zeros(1, 4, 4), torch.zeros(2, 8, 8)
    left[..., :2] = 1
    right[0, :, 6:] = 1
    found = together([left, None, right])
    assert found.shape == (2, 8, 8)
    assert found[0, 0].tolist() == [1, 1, 1, 1, 0, 0, 1, 1]
    assert found[1, 0].tolist() == [1, 1, 1, 1, 0, 0, 0, 0]
    assert not together([None]).any()
    assert together([]).shape == (1, NO_MASK, NO_MASK)


def test_masks_of_the_placement_come_before_those_of_people(chain):
    from likeness.host.facestudio.places import RegionsOf
    from likeness.host.placement import LoadedPlacement

    given = torch.ones(1, 3, 3)
    people = People(chain(1).people)
    assert RegionsOf(LoadedPlacement("masks", masks=(given,)), "hard", "none", 0).masks(people.people) == [given]
    assert RegionsOf(None, "hard", "none", 0).masks(people.people) == [None]


def test_whoever_decides_masks_of_everybody_divide_the_picture_by_the_papers_rule(chain):
    from dataclasses import replace

    from likeness.host.facestudio.places import RegionsOf
    from likeness.host.placement import LoadedPlacement
    from likeness.models.facestudio.places import MaskedRegions

    masked = [replace(person, mask=torch.ones(1, 4, 4)) for person in chain(2)]
    placed = RegionsOf(LoadedPlacement("words"), "front", "none", 0).of(masked)
    assert isinstance(placed.placement, MaskedRegions)
    assert placed.placement.mode == "front"
    assert placed.ways == ("mask", "mask")
    assert placed.watches == ()
