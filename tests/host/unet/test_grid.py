"""The grid of a layer: told, worked out, or none."""

from __future__ import annotations

import pytest

pytestmark = pytest.mark.comfy


@pytest.mark.parametrize("told", [(), (4, 4), (7,), (2, 6, 4)])
@pytest.mark.parametrize(("size", "level"), [((64, 64), 3), ((24, 16), 1), ((18, 10), 2), ((9, 13), 0), ((97, 64), 3)])
def test_it_is_worked_out_where_the_host_says_nothing_or_something_else(size, level, told):
    from likeness.host.unet.grid import grid_at, grid_of

    grid = grid_at(size, level)
    assert grid_of(told if told != grid else (), size, grid[0] * grid[1]) == grid


def test_a_block_that_another_pack_shrinks_keeps_the_pictures_shape():
    from likeness.host.unet.grid import grid_of

    assert grid_of((), (60, 90), 20 * 30) == (20, 30)


def test_halvings_round_up_as_strided_convolutions_do():
    from likeness.host.unet.grid import grid_at

    assert [grid_at((18, 10), level) for level in range(4)] == [(18, 10), (9, 5), (5, 3), (3, 2)]


def test_what_the_host_says_counts_where_it_fits():
    from likeness.host.unet.grid import grid_of

    assert grid_of((2, 32), (64, 64), 64) == (2, 32)
    assert grid_of((2, 31), (64, 64), 64) == (8, 8)


def test_positions_that_were_merged_are_told_of():
    from likeness.host.unet.grid import grid_of
    from likeness.models.errors import LikenessError

    with pytest.raises(LikenessError, match=r"61 positions, which is no grid of a 64×64 latent; remove the node"):
        grid_of((), (64, 64), 61)
