"""Backgrounds: one mean for all, patterns that differ, each picture's own."""

from __future__ import annotations

import pytest
import torch
from likeness.miniature.world import palette
from likeness.miniature.world.backdrop import PERIOD, Backdrop
from likeness.miniature.world.facts import PATTERNS


def backdrops(pattern, tint=0, count=16, seed=0):
    numbers = torch.rand(4, count, generator=torch.Generator().manual_seed(seed)).double()
    return Backdrop(
        pattern=torch.as_tensor(pattern).expand(count).clone(),
        tint=torch.full((count,), tint),
        period=PERIOD[0] + (PERIOD[1] - PERIOD[0]) * numbers[0],
        turn=numbers[1] - 0.5,
        shift=numbers[2:].T,
    )


@pytest.mark.parametrize("pattern", range(len(PATTERNS)), ids=PATTERNS)
@pytest.mark.parametrize("tint", range(len(palette.TINTS)))
def test_all_backgrounds_have_one_mean_and_are_not_flat(pattern, tint):
    pictures = backdrops(pattern, tint, seed=pattern).paint(128)
    assert (pictures.mean((2, 3)) - palette.GROUND).abs().max() < 0.02
    assert pictures.std((2, 3)).max() > 0.04


def test_patterns_of_the_same_numbers_are_different_pictures():
    [pictures] = backdrops(torch.zeros((), dtype=torch.int64), count=5).paint(64)[None]
    same = backdrops(0, count=5)
    patterns = Backdrop(
        pattern=torch.arange(5),
        tint=same.tint,
        **{name: getattr(same, name)[:1].expand_as(getattr(same, name)) for name in ("period", "turn", "shift")},
    ).paint(64)
    assert torch.equal(patterns[0], pictures[0])
    for place, picture in enumerate(patterns):
        assert all((picture - other).abs().mean() > 0.02 for other in patterns[:place])


def test_a_picture_has_its_own_background_alone_as_among_others():
    together = backdrops(torch.tensor([0, 1, 2, 3, 4, 0, 1, 2]), count=8)
    rows = torch.tensor([6, 1])
    assert torch.equal(together.of(rows).paint(64), together.paint(64)[rows])


def test_stripes_repeat_after_their_period():
    """Upright stripes of a quarter of the picture: what is seen comes back 32 pixels farther."""
    backdrop = Backdrop(
        pattern=torch.tensor([0]),
        tint=torch.tensor([1]),
        period=torch.tensor([0.25]).double(),
        turn=torch.zeros(1).double(),
        shift=torch.zeros(1, 2).double(),
    )
    [picture] = backdrop.paint(128)
    torch.testing.assert_close(picture[..., 32:], picture[..., :-32])
    assert torch.equal(picture[:, 1:], picture[:, :-1])
    torch.testing.assert_close(picture[..., :16] + picture[..., 16:32], torch.full((3, 128, 16), 2 * palette.GROUND))
