"""Squares around faces: where they lie, and the same faces as if from other photos."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from likeness.models.face.squares import square_around
from likeness.training.batches.draws import Draws
from likeness.training.omniportrait import crops as portrait_crops
from likeness.training.omniportrait.crops import SIZE, WIDE, augment, crop_side, cut_portrait, cut_wide, middle
from PIL import Image

BOX = (60.0, 50.0, 100.0, 110.0)


@pytest.fixture(scope="module")
def picture():
    """Colours that rise from left to right and from top to bottom."""
    rows, columns = np.mgrid[:200, :160]
    return np.stack([columns, rows, np.full_like(rows, 90)], -1).astype(np.uint8)


def wide_pixels(rows=2, people=1, side=36):
    generator = torch.Generator().manual_seed(0)
    return torch.rand(rows, people, 3, side, side, generator=generator)


def heads_like(wide, value=1.0):
    return torch.full((*wide.shape[:2], *wide.shape[-2:]), value)


@pytest.fixture
def unchanged(monkeypatch):
    """Nothing is changed unless the test says so."""
    for name in ("MIRRORED", "TURN", "ZOOM", "LIGHT", "HIDDEN"):
        monkeypatch.setattr(portrait_crops, name, 0.0)
    return monkeypatch


def test_the_middle_of_the_wide_square_is_the_square_that_the_nodes_cut(picture):
    region = square_around(BOX, (200, 160), 0.15, None)
    square = Image.fromarray(picture[region.inside]).resize((SIZE, SIZE), Image.Resampling.LANCZOS)
    assert region.side == 78
    portrait = cut_portrait(picture, BOX)
    assert portrait.shape == (SIZE, SIZE, 3)
    assert np.abs(portrait.astype(int) - np.asarray(square).astype(int)).max() <= 1
    wide = cut_wide(picture, BOX)
    assert wide.shape == (WIDE, WIDE, 3)
    assert np.array_equal(middle(torch.from_numpy(wide).movedim(-1, 0)).movedim(0, -1).numpy(), portrait)


def test_beyond_the_picture_its_edge_goes_on(picture):
    wide = cut_wide(
        picture, (0.0, 0.0, 100.0, 100.0)
    )  # the square of 130 lies at the corner, the wide one reaches beyond
    margin = int((WIDE - SIZE) / 2 * 0.9)
    assert (wide[:, :margin, 0] == 0).all()
    assert (wide[:margin, :, 1] == 0).all()
    assert (np.diff(wide[WIDE // 2, margin + 10 :, 0].astype(int)) >= 0).all()


def test_a_face_larger_than_the_picture_is_cut_too(picture):
    assert cut_wide(picture, (-20.0, -30.0, 180.0, 230.0)).shape == (WIDE, WIDE, 3)


def test_maps_are_cut_like_pictures(picture):
    assert np.array_equal(cut_wide(np.ascontiguousarray(picture[..., 0]), BOX), cut_wide(picture, BOX)[..., 0])


def test_without_changes_the_middle_is_seen(unchanged):
    wide = wide_pixels()
    crops = augment(wide, heads_like(wide), Draws(0, (0, 1)))
    assert crops.shape == (2, 1, 3, 28, 28)
    assert crop_side(36) == 28
    torch.testing.assert_close(crops, middle(wide), atol=1e-5, rtol=0)


def test_every_face_can_be_mirrored(unchanged):
    unchanged.setattr(portrait_crops, "MIRRORED", 1.0)
    wide = wide_pixels()
    crops = augment(wide, heads_like(wide), Draws(0, (0, 1)))
    torch.testing.assert_close(crops, middle(wide).flip(-1), atol=1e-5, rtol=0)


def test_faces_are_turned_and_nearer_or_further_within_bounds(unchanged):
    """A spot beside the middle moves on a circle, at another distance."""
    unchanged.setattr(portrait_crops, "TURN", 10.0)
    unchanged.setattr(portrait_crops, "ZOOM", 0.1)
    wide = torch.zeros(64, 1, 3, 360, 360)
    wide[..., 178:183, 258:263] = 1  # 80.5 pixels to the right of the middle
    crops = augment(wide, heads_like(wide), Draws(0, tuple(range(64))))[:, 0, 0]
    rows, columns = (torch.arange(280) - 139.5 for _ in range(2))
    weight = crops.sum((1, 2))
    x, y = (crops.sum(1) * columns).sum(1) / weight, (crops.sum(2) * rows).sum(1) / weight
    angle, far = torch.rad2deg(torch.atan2(y, x)), (x**2 + y**2).sqrt()
    assert -10.2 < angle.min() < -7 < 7 < angle.max() < 10.2
    assert 80.5 / 1.1 - 1 < far.min() < 75 < 86 < far.max() < 80.5 / 0.9 + 1


def test_light_changes_a_little_and_stays_in_range(unchanged):
    unchanged.setattr(portrait_crops, "LIGHT", 0.1)
    wide = torch.full((64, 1, 3, 36, 36), 0.5)
    crops = augment(wide, heads_like(wide), Draws(0, tuple(range(64)))).flatten(1)
    assert (crops.std(1) < 1e-6).all()  # a plain picture stays plain
    means = crops.mean(1)
    assert 0.45 <= means.min() < 0.47 < 0.53 < means.max() <= 0.55
    bright = torch.ones(8, 1, 3, 36, 36)
    assert augment(bright, heads_like(bright), Draws(0, tuple(range(8)))).max() <= 1


def test_what_is_behind_the_head_goes_every_second_time(unchanged):
    unchanged.setattr(portrait_crops, "HIDDEN", 0.5)
    wide = wide_pixels(rows=64)
    heads = heads_like(wide)
    heads[..., :18] = 0  # the left half is no head
    crops, plain = augment(wide, heads, Draws(0, tuple(range(64))))[:, 0], middle(wide)[:, 0]
    assert torch.allclose(crops[..., 15:], plain[..., 15:], atol=1e-5)
    left = crops[..., :13]
    kept = (left - plain[..., :13]).abs().flatten(1).max(1).values < 1e-4
    one_colour = (left.flatten(2).std(2) < 1e-5).all(1)
    assert 20 <= int(kept.sum()) <= 44
    assert not (kept & one_colour).any()
    assert 6 <= int(one_colour.sum()) <= 28
    assert int((~kept & ~one_colour).sum()) >= 6


def test_the_same_positions_give_the_same_crops_and_people_more_do_not_change_the_first():
    wide = wide_pixels(people=2)
    draws = Draws(0, (3, 4))
    both = augment(wide, heads_like(wide, 0.5), draws)
    assert torch.equal(both, augment(wide, heads_like(wide, 0.5), draws))
    assert not torch.equal(both, augment(wide, heads_like(wide, 0.5), Draws(0, (5, 6))))
    first = augment(wide[:, :1], heads_like(wide[:, :1], 0.5), draws)
    torch.testing.assert_close(both[:, :1], first)
