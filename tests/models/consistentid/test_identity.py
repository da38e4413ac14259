"""ConsistentID's people as values: settings, chains, regions of one photo, of several and of others."""

import math
from dataclasses import FrozenInstanceError

import pytest
import torch
from likeness.models.consistentid.identity import (
    FacialRegion,
    FacialRegions,
    Identities,
    Identity,
    mean_regions,
    require_one_person,
)
from likeness.models.errors import InvalidSettingError, ShapeError


def region(name, value=0.0, strength=1.0):
    return FacialRegion(name=name, vector=torch.full((1, 3), value), strength=strength)


def regions(*names, value=0.0):
    return FacialRegions.of(region(name, value) for name in names)


def person(**settings):
    return Identity(**{"name": "Ada", "tokens": torch.zeros(1, 4, 3), **settings})


def nobody():
    return Identities(people=(), null_tokens=torch.zeros(1, 4, 3), null_region=torch.zeros(1, 3))


@pytest.mark.parametrize(
    "settings",
    [
        {"strength": -0.1},
        {"strength": 2.1},
        {"strength": math.nan},
        {"start_percent": 1.5},
        {"end_percent": -1},
        {"mask": torch.full((4, 4), math.nan)},
        {"mask": torch.zeros(0, 4)},
    ],
)
def test_settings_out_of_range_are_refused(settings):
    with pytest.raises(InvalidSettingError):
        person(**settings)


def test_masks_get_a_picture_axis():
    assert person(mask=torch.ones(4, 6)).mask.shape == (1, 4, 6)
    assert person(mask=torch.ones(3, 4, 6)).mask.shape == (3, 4, 6)
    with pytest.raises(ShapeError, match=r"\(H, W\)"):
        person(mask=torch.ones(4))


@pytest.mark.parametrize("strength", [-0.1, 2.1, math.nan])
def test_a_region_s_strength_is_checked(strength):
    with pytest.raises(InvalidSettingError):
        region("Nose", strength=strength)


def test_a_chain_never_changes():
    first = nobody()
    second = first.add(person())
    third = second.add(person(name="Bob"))
    assert [len(chain.people) for chain in (first, second, third)] == [0, 1, 2]
    assert third.null_tokens is first.null_tokens
    with pytest.raises(FrozenInstanceError):
        second.people = ()  # type: ignore[misc]


def test_a_second_person_is_one_too_many_for_the_published_mode():
    require_one_person(None)
    require_one_person(nobody())
    with pytest.raises(InvalidSettingError, match='set "mode" of Load ConsistentID to "corrected"'):
        require_one_person(nobody().add(person()))


def test_regions_come_in_the_published_order_one_per_feature():
    given = regions("Upper_Lip", "Nose", "Right_Ear", "Right_Eye", "Face", "Left_Eye")
    assert given.names == ("Face", "Left_Eye", "Right_Ear", "Nose", "Upper_Lip")
    assert list(given.by_feature()) == ["face", "eyes", "ears", "nose", "mouth"]


def test_eyes_of_one_and_mouth_of_another():
    mine, hers = regions("Left_Eye", value=1.0), regions("Right_Eye", "Nose", "Lower_Lip", value=2.0)
    mixed = mine.with_others(hers)
    assert mixed.names == ("Left_Eye", "Nose", "Lower_Lip")
    assert [float(region.vector[0, 0]) for region in mixed.regions] == [1.0, 2.0, 2.0]
    assert mine.names == ("Left_Eye",)
    assert hers.with_others(mine).names == hers.names


def test_mean_over_the_photos_that_show_a_feature():
    photos = [
        FacialRegions.of([region("Right_Eye", 1.0, 0.5), region("Nose", 4.0)]),
        FacialRegions.of([region("Left_Eye", 2.0, 0.5)]),
        FacialRegions.of([region("Left_Eye", 6.0, 0.5), region("Face", 5.0)]),
    ]
    mean = mean_regions(photos)
    assert mean.names == ("Face", "Left_Eye", "Nose")
    assert [float(region.vector[0, 0]) for region in mean.regions] == [5.0, 3.0, 4.0]
    assert mean.by_feature()["eyes"].strength == 0.5


def test_of_two_labels_seen_equally_often_the_first_is_kept():
    assert mean_regions([regions("Right_Eye"), regions("Left_Eye")]).names == ("Right_Eye",)


def test_no_regions_at_all():
    assert mean_regions([]).regions == ()
    assert FacialRegions().with_others(FacialRegions()).regions == ()
