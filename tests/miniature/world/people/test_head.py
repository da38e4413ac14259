"""What is large in a head: its face, its ears and its hair."""

from __future__ import annotations

import pytest
import torch
from likeness.miniature.world import palette
from likeness.miniature.world.facts import HEADBAND
from likeness.miniature.world.people.anatomy import HEADS
from likeness.miniature.world.people.head import Head
from likeness.miniature.world.people.identity import FACE, HAIR, HAIR_COLOUR, SKIN
from likeness.miniature.world.regions import Region
from likeness.tests.miniature.world.people.painted import SCALE, SIZE, middle_of, person_of, pixels_of, shown

CODES = [0, 1, 2, 0, 2, 0, 1]
SHORT, BOB, LONG, CURLY = range(4)


def head_of(**attributes):
    codes = list(CODES)
    for place, value in (("face", FACE), ("hair", HAIR)):
        codes[value] = attributes.pop(place, codes[value])
    person = person_of(codes, **attributes)
    return Head(person, pixels_of(person))


def face(**attributes):
    return shown(list(head_of(**attributes).below_features()), Region.SKIN)[0]


@pytest.mark.parametrize("shape", range(len(HEADS.rows)))
def test_a_face_is_as_wide_and_high_as_its_shape_says(shape):
    covered = face(face=shape) > 0.5
    row = dict(zip(HEADS.columns, HEADS.rows[shape], strict=True))
    units = SIZE * SCALE
    high = int(covered.any(1).sum()) / units
    wide = int(covered[: SIZE // 2].any(0).sum()) / units  # a taper makes it narrower below
    assert high == pytest.approx(2 * row["height"], abs=0.06)
    assert wide == pytest.approx(2 * row["width"], abs=0.06)


def test_shapes_differ():
    faces = [face(face=shape) for shape in range(len(HEADS.rows))]
    for place, mine in enumerate(faces):
        assert all((mine - other).abs().sum() > 50 for other in faces[:place])


def test_skin_and_hair_have_the_colours_of_the_person():
    head = head_of()
    *_, skin, ears = head.below_features()
    *_, fringe = head.above_face()
    assert torch.equal(skin.colour[0], palette.SKIN[CODES[SKIN]])
    assert torch.equal(fringe.colour[0], palette.HAIR[CODES[HAIR_COLOUR]])
    assert (ears.region, fringe.region) == (Region.LEFT_EAR, Region.HAIR)


def test_ears_stand_at_both_sides_of_the_face():
    ears = shown(list(head_of().below_features()), Region.LEFT_EAR)
    assert middle_of(ears)[0] == pytest.approx(0, abs=0.01)
    ears[..., : SIZE // 2] = 0
    assert middle_of(ears)[0] == pytest.approx(HEADS.rows[0][0], abs=0.05)


def test_hair_is_as_long_as_its_name():
    lowest = []
    for hair in (SHORT, BOB, LONG):
        [layer] = head_of(hair=hair).below_body()
        lowest.append(int((layer.coverage[0] > 0.5).any(1).nonzero().max()))
    assert lowest[0] < lowest[1] < lowest[2]


def test_the_face_is_seen_through_an_arch_of_hair():
    for hair in (SHORT, BOB, LONG, CURLY):
        fringe = shown(list(head_of(hair=hair).above_face()), Region.HAIR)[0]
        [behind] = head_of(hair=hair).below_body()
        middle = SIZE // 2
        assert fringe[middle, middle] == 0
        assert fringe.sum() > 100
        assert (fringe <= behind.coverage[0] + 1e-6).all()


@pytest.mark.parametrize("accessory", [0, 1, HEADBAND])
def test_a_headband_lies_in_the_hair_of_those_who_have_one(accessory):
    layers = list(head_of(accessory=accessory).above_face())
    [worn] = [layer.coverage for layer in layers if layer.region is Region.HAT]
    assert bool(worn.any()) == (accessory == HEADBAND)
    [behind] = head_of().below_body()
    assert (worn <= behind.coverage + 1e-6).all()
