"""Shapes: their distances, and how much of a pixel they cover."""

from __future__ import annotations

import math

import pytest
import torch
from likeness.miniature.world.shapes import band, cover, disc, oval, pixelwise, rounded, wave

SIZE = 200  # pixels of a side of 4 units
AT = ((torch.arange(SIZE) + 0.5) / SIZE - 0.5) * 4
X, Y = AT.expand(1, SIZE, SIZE), AT[:, None].expand(1, SIZE, SIZE)
SCALE = torch.full((1, 1, 1), SIZE / 4.0)


def area(distance):
    """What a shape covers, in square units."""
    return float(cover(distance, SCALE).sum()) / (SIZE / 4) ** 2


def test_a_disc_and_an_oval_cover_their_areas():
    assert area(disc(X, Y, 1.2)) == pytest.approx(math.pi * 1.2**2, rel=1e-3)
    assert area(oval(X, Y, 1.5, 0.8)) == pytest.approx(math.pi * 1.5 * 0.8, rel=2e-3)


def test_an_edge_is_one_pixel_wide():
    covered = cover(disc(X, Y, 1.0), SCALE)[0, SIZE // 2]
    edge = (covered > 0) & (covered < 1)
    assert 1 <= int(edge[: SIZE // 2].sum()) <= 2
    torch.testing.assert_close(covered, covered.flip(0))


def test_distances_are_exact_at_edges():
    for angle in torch.linspace(0, math.pi, 7):
        x, y = angle.cos()[None, None, None], angle.sin()[None, None, None]
        assert float(disc(1.1 * x, 1.1 * y, 1.1)) == pytest.approx(0, abs=1e-6)
        assert float(disc(1.11 * x, 1.11 * y, 1.1)) == pytest.approx(0.01, rel=0.02)
        assert float(oval(1.5 * x, 0.8 * y, 1.5, 0.8)) == pytest.approx(0, abs=1e-6)


def test_a_disc_turns_into_a_square_with_round_corners():
    areas = [area(rounded(X, Y, square).sub_(1)) for square in (0.0, 0.5, 1.0)]
    assert areas[0] == pytest.approx(math.pi, rel=0.02)
    assert areas[0] < areas[1] < areas[2] < 4
    for square in (0.0, 0.3, 1.0):
        assert float(rounded(torch.ones(1, 1, 1), torch.zeros(1, 1, 1), square)) == pytest.approx(1)
        assert not rounded(torch.zeros(1, 1, 1), torch.zeros(1, 1, 1), square).any()


def test_a_band_lies_on_both_sides_of_an_edge():
    ring = area(band(disc(X, Y, 1.0), 0.1))
    assert ring == pytest.approx(math.pi * (1.1**2 - 0.9**2), rel=0.02)


def test_a_wave_is_nearly_a_sine_and_repeats_exactly():
    turns = torch.arange(-64, 64) / 32
    assert (wave(turns) - (2 * math.pi * turns).sin()).abs().max() < 0.06
    assert torch.equal(wave(turns), wave(turns + 3))
    assert wave(torch.tensor([0.0, 0.25, 0.5, 0.75])).tolist() == [0, 1, 0, -1]


def test_values_of_people_meet_their_own_pixels():
    values = torch.tensor([1.0, 2.0]).double()
    met = pixelwise(values) * torch.ones(2, 3, 4)
    assert met.dtype == torch.float32
    assert torch.equal(met[:, 2, 3].double(), values)
