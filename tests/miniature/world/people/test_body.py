"""Neck and shirt: below the face, upright, and of the person's colours."""

from __future__ import annotations

import pytest
import torch
from likeness.miniature.world import palette
from likeness.miniature.world.people.anatomy import HEADS
from likeness.miniature.world.people.body import body_layers
from likeness.miniature.world.people.identity import FACE
from likeness.miniature.world.regions import Region
from likeness.tests.miniature.world.people.painted import MIDDLE, SIZE, person_of, pixels_of, shown

SMALL = {"scale": 0.2, "y": 0.3}  # so that shoulders lie in the picture


def layers_of(*codes, **changed):
    person = person_of(*codes, **{**SMALL, **changed})
    return list(body_layers(person, pixels_of(person)))


def shirt(*codes, **changed):
    return shown(layers_of(*codes, **changed), Region.OTHER)[0]


@pytest.mark.parametrize("clothing", range(len(palette.CLOTHING)))
def test_a_shirt_has_the_colour_that_the_caption_says(clothing):
    *_, cloth, _ = layers_of(clothing=clothing)
    assert cloth.region is Region.OTHER
    assert torch.equal(cloth.colour[0], palette.CLOTHING[clothing])


def test_a_shirt_lies_below_the_face_and_goes_on_to_the_lower_edge():
    covered = shirt()
    chin = int((SMALL["y"] + SMALL["scale"]) * SIZE)
    assert not covered[: chin - 2].any()
    assert covered[-1, SIZE // 2] == 1
    torch.testing.assert_close(covered, covered.flip(-1), atol=1e-5, rtol=0)


@pytest.mark.parametrize("face", range(len(HEADS.rows)))
def test_shoulders_are_as_wide_as_the_head_has_them(face):
    codes = [0, 1, 2, 0, 2, 0, 1]
    codes[FACE] = face
    wide = int((shirt(codes, scale=0.15)[-1] > 0.5).sum()) / SIZE / 0.15
    assert wide == pytest.approx(2 * HEADS.rows[face][HEADS.columns.index("shoulders")], abs=0.1)


def test_the_body_stays_upright_when_the_head_turns():
    assert torch.equal(shirt(turn=0.15), shirt())


def test_the_neck_joins_head_and_shirt_in_the_middle():
    neck = shown(layers_of(), Region.NECK)[0]
    just_below = int((SMALL["y"] + 1.1 * SMALL["scale"]) * SIZE)
    assert neck[just_below, SIZE // 2] == 1
    assert not neck[just_below, : int((MIDDLE - 0.45 * SMALL["scale"]) * SIZE)].any()
