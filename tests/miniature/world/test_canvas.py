"""Layers from front to back: each takes what is left, and everything is told apart."""

from __future__ import annotations

import pytest
import torch
from likeness.miniature.world.canvas import Canvas
from likeness.miniature.world.layout import PAIRS, PORTRAIT
from likeness.miniature.world.people.appearance import Pose
from likeness.miniature.world.people.person import Person
from likeness.miniature.world.regions import FACE_REGIONS, Region

SIZE = 64
CODES = torch.tensor([[0, 1, 2, 0, 2, 0, 1]])


def person(x, y, scale, clothing=0):
    still = {name: torch.zeros(1).double() for name in ("turn", "opening", "lift", "gaze_x", "gaze_y")}
    place = {name: torch.tensor([value]).double() for name, value in (("x", x), ("y", y), ("scale", scale))}
    pose = Pose(**place, **still, smile=torch.tensor([0.5]).double())
    return Person(codes=CODES, clothing=torch.tensor([clothing]), accessory=torch.tensor([0]), pose=pose)


def portrait(**options):
    canvas = Canvas.empty(1, 1, SIZE, with_regions=True)
    canvas.add(person(0.5, 0.5, 0.32, **options), 0, PORTRAIT)
    return canvas


def test_nothing_is_painted_at_first():
    canvas = Canvas.empty(2, 3, SIZE, with_regions=False)
    assert (canvas.left == 1).all()
    assert not canvas.colours.any()
    assert not canvas.faces.any()
    assert canvas.regions is None


def test_what_somebody_covers_and_what_is_left_add_up():
    canvas = portrait()
    torch.testing.assert_close(canvas.instances[:, 0] + canvas.left, torch.ones(1, SIZE, SIZE))
    torch.testing.assert_close(canvas.regions.sum(2), canvas.instances, atol=1e-6, rtol=0)
    torch.testing.assert_close(canvas.regions[:, :, list(FACE_REGIONS)].sum(2), canvas.faces, atol=1e-6, rtol=0)
    assert canvas.left[0, 0, 0] == 1
    assert canvas.left[0, SIZE // 2, SIZE // 2] < 1e-6


def test_pairs_are_told_apart_by_their_side():
    canvas = portrait()
    for region in (Region.LEFT_EYE, Region.LEFT_BROW):
        left, right = canvas.regions[0, 0, region], canvas.regions[0, 0, region + 1]
        assert left.sum() > 1
        torch.testing.assert_close(left.sum(), right.sum(), atol=0.01, rtol=0.01)
        assert not left[:, SIZE // 2 :].any()
        assert not right[:, : SIZE // 2].any()


def test_who_is_painted_first_stands_in_front():
    layout = PAIRS[0]
    alone, both = (Canvas.empty(1, 2, SIZE, with_regions=False) for _ in range(2))
    people = [person(x + shift, y, layout.scale) for (x, y), shift in zip(layout.places, (0.1, -0.1), strict=True)]
    alone.add(people[1], 1, layout)
    for place in layout.front:
        both.add(people[place], place, layout)
    hidden = alone.instances[:, 1] - both.instances[:, 1]
    assert hidden.min() > -1e-6
    assert hidden.sum() > 5
    torch.testing.assert_close(both.instances.sum(1) + both.left, torch.ones(1, SIZE, SIZE))


def test_the_background_fills_what_is_left_and_the_light_falls_on_everything():
    lit, dark = portrait(), portrait()
    behind = torch.full((1, 3, SIZE, SIZE), 0.5)
    lit.finish(behind.clone(), torch.ones(1, 3, 1, SIZE))
    dark.finish(behind.clone(), torch.full((1, 3, 1, SIZE), 0.5))
    torch.testing.assert_close(dark.colours, lit.colours / 2)
    torch.testing.assert_close(lit.colours[0, :, 0, 0], torch.full((3,), 0.5))
    assert not torch.allclose(lit.colours[0, :, SIZE // 2, SIZE // 2], torch.full((3,), 0.5), atol=0.05)


@pytest.mark.parametrize("wanted", [True, False])
def test_regions_change_nothing_of_the_picture(wanted):
    canvas = Canvas.empty(1, 1, SIZE, with_regions=wanted)
    canvas.add(person(0.5, 0.5, 0.32), 0, PORTRAIT)
    assert torch.equal(canvas.colours, portrait().colours)
