"""Where pixels lie in a face."""

from __future__ import annotations

import math

import pytest
import torch
from likeness.miniature.world.people.anatomy import Table
from likeness.miniature.world.people.person import Coordinates, measures
from likeness.tests.miniature.world.people.painted import MIDDLE, SCALE, SIZE, WHOLE, pose_of


def pixel_at(coordinates, row, column):
    return torch.stack((coordinates.x[0, row, column], coordinates.y[0, row, column]))


def test_lengths_are_halves_of_a_head_from_its_middle():
    coordinates = Coordinates.of(pose_of(), WHOLE, SIZE)
    row, column = 20, 90
    expected = torch.tensor([(column + 0.5) / SIZE - MIDDLE, (row + 0.5) / SIZE - MIDDLE]) / SCALE
    torch.testing.assert_close(pixel_at(coordinates, row, column), expected)
    assert float(coordinates.scale) == pytest.approx(SIZE * SCALE)


def test_a_window_is_a_part_of_the_whole():
    whole = Coordinates.of(pose_of(turn=0.1), WHOLE, SIZE)
    window = (slice(16, 48), slice(64, 128))
    part = Coordinates.of(pose_of(turn=0.1), window, SIZE)
    for name in ("x", "y", "aside"):
        torch.testing.assert_close(getattr(part, name), getattr(whole, name)[:, 16:48, 64:128])
    torch.testing.assert_close(part.upright[0], whole.upright[0][..., 64:128])
    torch.testing.assert_close(part.upright[1], whole.upright[1][:, 16:48])


def test_a_head_turns_clockwise_and_the_body_does_not():
    """What lies below the middle of a head that was turned clockwise is its right cheek's side."""
    straight, turned = (Coordinates.of(pose_of(turn=turn), WHOLE, SIZE) for turn in (0.0, math.pi / 2))
    torch.testing.assert_close(turned.x, straight.y, atol=1e-6, rtol=0)
    torch.testing.assert_close(turned.y, -straight.x, atol=1e-6, rtol=0)
    for mine, other in zip(turned.upright, straight.upright, strict=True):
        assert torch.equal(mine, other)


def test_both_sides_of_a_face_are_as_far_aside():
    aside = Coordinates.of(pose_of(), WHOLE, SIZE).aside
    torch.testing.assert_close(aside, aside.flip(-1))
    assert aside.min() > 0


def test_measures_meet_pixels():
    table = Table(("width",), ((1.0,), (3.0,)))
    met = measures(table, torch.tensor([1, 0]))["width"] * torch.ones(2, 4, 5)
    assert met[:, 0, 0].tolist() == [3, 1]
