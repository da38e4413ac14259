"""What is small in a face: where it lies, and what moves it."""

from __future__ import annotations

import pytest
import torch
from likeness.miniature.world import palette
from likeness.miniature.world.facts import GLASSES
from likeness.miniature.world.people.anatomy import BROW_Y, EYE_X, EYE_Y, MOLES, MOUTH_Y, NOSE_Y
from likeness.miniature.world.people.features import Features
from likeness.miniature.world.people.identity import EYES, MOLE
from likeness.miniature.world.regions import Region
from likeness.tests.miniature.world.people.painted import SIZE, middle_of, person_of, pixels_of, shown

CODES = (0, 1, 2, 0, 2, 0, 1)
HALF = SIZE // 2


def below_hair(*codes, **changed):
    person = person_of(codes or CODES, **changed)
    return list(Features(person, pixels_of(person)).below_hair())


def with_code(place, value):
    codes = list(CODES)
    codes[place] = value
    return codes


def test_features_are_where_the_measures_say():
    layers = below_hair()
    eyes, nose = shown(layers, Region.LEFT_EYE), shown(layers, Region.NOSE)
    right = eyes.clone()
    right[..., :HALF] = 0  # a layer of a pair paints both sides
    assert middle_of(right) == pytest.approx((EYE_X, EYE_Y), abs=0.03)
    assert middle_of(nose) == pytest.approx((0, NOSE_Y), abs=0.02)
    assert middle_of(shown(layers, Region.LEFT_BROW))[1] == pytest.approx(BROW_Y, abs=0.1)
    assert middle_of(shown(layers, Region.MOUTH))[1] == pytest.approx(MOUTH_Y, abs=0.15)


def test_irises_are_of_the_eyes_colour_and_follow_the_gaze():
    straight, aside = (
        [layer for layer in below_hair(gaze_x=gaze) if torch.equal(layer.colour[0], palette.EYES[CODES[EYES]])]
        for gaze in (0.0, 0.045)
    )
    assert len(straight) == len(aside) == 1
    assert middle_of(straight[0].coverage)[0] == pytest.approx(0, abs=0.01)
    assert 0.01 < middle_of(aside[0].coverage)[0] < 0.06


def test_brows_rise():
    still, raised = (middle_of(shown(below_hair(lift=lift), Region.LEFT_BROW))[1] for lift in (0.0, 0.05))
    assert raised == pytest.approx(still - 0.05, abs=0.01)


def test_teeth_are_seen_in_an_open_mouth_alone():
    def teeth(opening):
        [layer] = [
            layer
            for layer in below_hair(opening=opening)
            if layer.region is Region.MOUTH and torch.equal(layer.colour, palette.WHITE)
        ]
        return float(layer.coverage.sum())

    assert teeth(0.0) == 0
    assert 0 < teeth(0.08) < teeth(0.17)


def test_an_open_mouth_parts_the_lips_and_leaves_the_corners():
    def edges(opening):
        lips = shown(below_hair(opening=opening), Region.UPPER_LIP, Region.LOWER_LIP, Region.MOUTH)[0] > 0.3
        rows, columns = lips.any(1).nonzero()[:, 0], lips.any(0).nonzero()[:, 0]
        return int(rows.max() - rows.min()), int(columns.min()), int(columns.max())

    (closed, *corners), (opened, *others) = edges(0.0), edges(0.17)
    assert opened > closed + 3
    assert max(abs(mine - other) for mine, other in zip(corners, others, strict=True)) <= 2


def test_a_smile_draws_the_middle_below_the_corners():
    def sag(smile):
        lip = shown(below_hair(smile=smile), Region.LOWER_LIP)
        centre = lip[:, :, HALF - 3 : HALF + 3].sum((0, 2))
        return float(centre @ torch.arange(SIZE).float() / centre.sum())

    assert sag(1.1) > sag(0.2) + 1


@pytest.mark.parametrize("mole", range(len(MOLES.rows)))
def test_a_mole_is_where_the_attribute_says_or_nowhere(mole):
    x, y, there = MOLES.rows[mole]
    [spot] = [
        layer
        for layer in below_hair(*with_code(MOLE, mole))
        if layer.region is Region.SKIN and torch.equal(layer.colour, palette.DARK)
    ]
    assert bool(spot.coverage.any()) == bool(there)
    if there:
        assert middle_of(spot.coverage) == pytest.approx((x, y), abs=0.01)


@pytest.mark.parametrize("accessory", [0, GLASSES, 2])
def test_glasses_are_worn_by_those_who_have_them(accessory):
    person = person_of(accessory=accessory)
    [layer] = Features(person, pixels_of(person)).above_hair()
    assert layer.region is Region.GLASSES
    assert bool(layer.coverage.any()) == (accessory == GLASSES)
    if accessory == GLASSES:
        assert middle_of(layer.coverage) == pytest.approx((0, EYE_Y), abs=0.02)
        assert not layer.coverage[0, HALF - 5, HALF + 11 : HALF + 13].any()  # one sees through them
