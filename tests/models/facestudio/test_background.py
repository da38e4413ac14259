"""Who is lent the places of nobody."""

import pytest
import torch
from likeness.models.errors import InvalidSettingError
from likeness.models.facestudio.background import BACKGROUNDS, Lent
from likeness.models.facestudio.places import MaskedRegions
from likeness.models.port.attention import AttentionSite, Crop

SITE = AttentionSite(kind="cross", block=("input", 1, 0), index=1, channels=8, path="")


def strips(width=8):
    """The first person in the left column, the second in the right one."""
    masks = torch.zeros(2, 1, 4, width)
    masks[0, ..., 0] = 1
    masks[1, ..., -1] = 1
    return MaskedRegions((masks[0], masks[1]))


def row(background, call, seed=0, grid=(4, 8)):
    return Lent(strips(), 2, background, seed)(SITE, call(grid))[0].unflatten(0, grid)


@pytest.mark.parametrize("background", ["none", "freeze"])
def test_places_of_nobody_stay_empty(call, background):
    assert row(background, call)[0].sum(-1).tolist() == [1, 0, 0, 0, 0, 0, 0, 1]


def test_the_mean_gives_everybody_the_same(call):
    got = row("mean", call)
    assert (got[:, 1:-1] == 0.5).all()
    assert (got.sum(-1) == 1).all()


def test_the_nearest_takes_the_rest(call):
    assert row("nearest", call)[2, :, 0].tolist() == [1, 1, 1, 1, 0, 0, 0, 0]


def test_random_places_are_fixed_by_the_seed(call):
    got = row("random", call, grid=(16, 32))
    assert set(got.unique().tolist()) == {0.0, 1.0}
    assert (got.sum(-1) == 1).all()
    share = got[:, 4:-4, 0].mean()
    assert 0.35 < share < 0.65
    assert torch.equal(got, row("random", call, grid=(16, 32)))
    assert not torch.equal(got, row("random", call, seed=1, grid=(16, 32)))


def test_random_places_are_the_same_in_all_layers(call):
    """The grid of 32 by 32 takes every other cell of that of 64 by 64."""
    fine, coarse = (
        Lent(MaskedRegions((torch.zeros(1, 4, 4),) * 3), 3, "random")(SITE, call(grid))[0]
        for grid in ((64, 64), (32, 32))
    )
    assert torch.equal(fine.unflatten(0, (64, 64))[::2, ::2].flatten(0, 1), coarse)


def test_a_crop_sees_its_part_of_what_was_drawn(call):
    nobody = Lent(MaskedRegions((torch.zeros(1, 4, 4),) * 2), 2, "random")
    whole = nobody(SITE, call((64, 64)))[0].unflatten(0, (64, 64))
    part = nobody(SITE, call((32, 32), crop=Crop(32, 0, 32, 32, 64, 64)))[0].unflatten(0, (32, 32))
    assert torch.equal(whole[32:, :32], part)


def test_without_anybody_in_sight_the_nearest_is_nobody(call):
    assert not Lent(MaskedRegions((torch.zeros(1, 4, 4),) * 2), 2, "nearest")(SITE, call((4, 4))).any()


def test_unknown_backgrounds_are_refused():
    assert BACKGROUNDS == ("none", "mean", "random", "nearest", "freeze")
    with pytest.raises(InvalidSettingError, match='background is "blue"'):
        Lent(strips(), 2, "blue")
