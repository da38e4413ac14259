"""Regions of a face as values: their order, those of others, means over photos and mixtures of people."""

import math

import numpy as np
import pytest
import torch
from likeness.models.consistentid.facial_regions import (
    DescribedPerson,
    FacialRegion,
    FacialRegions,
    found_text,
    mean_regions,
    mix_regions,
    region_sheet,
)
from likeness.models.consistentid.marked_text import Caption
from likeness.models.errors import InvalidSettingError


def region(name, value=0.0, strength=1.0):
    return FacialRegion(name=name, vector=torch.full((1, 3), value), strength=strength)


def regions(*names, value=0.0):
    return FacialRegions.of(region(name, value) for name in names)


@pytest.mark.parametrize("strength", [-0.1, 2.1, math.nan])
def test_a_region_s_strength_is_checked(strength):
    with pytest.raises(InvalidSettingError):
        region("Nose", strength=strength)


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
    mean = mean_regions(photos, [1.0, 1.0, 1.0])
    assert mean.names == ("Face", "Left_Eye", "Nose")
    assert [float(region.vector[0, 0]) for region in mean.regions] == [5.0, 3.0, 4.0]
    assert mean.by_feature()["eyes"].strength == 0.5
    heavy = mean_regions(photos, [1.0, 4.0, 1.0]).by_feature()
    assert float(heavy["eyes"].vector[0, 0]) == 2.5
    assert float(heavy["nose"].vector[0, 0]) == 4.0


def test_a_mean_shows_the_pictures_of_all_photos():
    pictures = [np.full((2, 2, 3), value, np.uint8) for value in (1, 2)]
    photos = [
        FacialRegions.of([FacialRegion(name="Nose", vector=torch.zeros(1, 3), pictures=(picture,))])
        for picture in pictures
    ]
    [nose] = mean_regions(photos, [1.0, 1.0]).regions
    assert [picture.max() for picture in nose.pictures] == [1, 2]


def test_of_two_labels_seen_equally_often_the_first_is_kept():
    assert mean_regions([regions("Right_Eye"), regions("Left_Eye")], [1.0, 1.0]).names == ("Right_Eye",)


def test_mixed_people_add_up_and_a_feature_of_few_is_as_large_as_one_of_all():
    ada, bob = regions("Face", "Nose", value=2.0), regions("Face", value=10.0)
    mixed = mix_regions([ada, bob], [0.7, 0.3]).by_feature()
    assert float(mixed["face"].vector[0, 0]) == pytest.approx(0.7 * 2 + 0.3 * 10)
    assert float(mixed["nose"].vector[0, 0]) == pytest.approx(2.0)
    more = mix_regions([ada, bob], [0.7, 0.7]).by_feature()
    assert float(more["face"].vector[0, 0]) == pytest.approx(0.7 * 12)
    assert float(more["nose"].vector[0, 0]) == pytest.approx(1.4 * 2)


def test_somebody_without_a_share_brings_no_feature():
    assert mix_regions([regions("Nose"), regions("Face")], [0.0, 1.0]).names == ("Face",)


def test_no_regions_at_all():
    assert mean_regions([], []).regions == ()
    assert mix_regions([FacialRegions()], [1.0]).regions == ()
    assert FacialRegions().with_others(FacialRegions()).regions == ()


def described(name, *regions, said=""):
    picture = np.full((20, 30, 3), 200, np.uint8)
    parts = [FacialRegion(name=each, vector=torch.zeros(1, 3), pictures=(picture,)) for each in regions]
    return DescribedPerson(name=name, place=0, said=said, regions=FacialRegions.of(parts))


def test_what_is_said_or_else_the_sentence_goes_with_the_regions():
    assert described("Ada", "Nose", said=" a long nose ").caption == Caption("a long nose", ("Nose",))
    assert described("Ada", "Nose", said=" ").caption == Caption(None, ("Nose",))


def test_the_sheet_shows_a_picture_per_region():
    bright = [
        (region_sheet([described("Ada", *names)]) == 200).all(-1).sum() for names in (("Nose",), ("Face", "Nose"))
    ]
    assert bright[1] >= 1.9 * bright[0] > 10_000


def test_without_regions_the_sheet_is_black():
    for people in ([], [described("Ada")]):
        sheet = region_sheet(people)
        assert sheet.shape[2] == 3
        assert not sheet.any()


def test_what_was_found_is_a_line_per_person():
    text = found_text([described("Ada", "Nose", "Face"), described("Bob")])
    assert text == "Ada: Face, Nose\nBob: none"
