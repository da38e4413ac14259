"""Whose each place is, how clearly, and where a name stands."""

import pytest
import torch
from likeness.models.records.winners import NOBODY, find_winners


def halves(left, right, size=(8, 8)):
    """Two people: weights of the left half and of the right one."""
    maps = torch.zeros(2, *size)
    maps[:, :, : size[1] // 2] = torch.tensor(left)[:, None, None]
    maps[:, :, size[1] // 2 :] = torch.tensor(right)[:, None, None]
    return maps


def test_the_strongest_wins_by_what_the_second_lacks():
    winners = find_winners(halves((0.7, 0.3), (0.1, 0.9)), (8, 8))
    assert winners.people[:, :4].unique().tolist() == [0]
    assert winners.people[:, 4:].unique().tolist() == [1]
    torch.testing.assert_close(winners.margins[0], torch.tensor([0.4] * 4 + [0.8] * 4))


def test_what_is_missing_to_one_is_nobodys_and_can_win():
    winners = find_winners(halves((0.3, 0.1), (0.5, 0.1)), (8, 8))
    assert winners.people[0].tolist() == [NOBODY] * 4 + [0] * 4
    torch.testing.assert_close(winners.margins[0], torch.tensor([0.3] * 4 + [0.1] * 4))


def test_between_positions_weights_are_bilinear():
    winners = find_winners(halves((0.75, 0.25), (0.0, 1.0), size=(1, 2)), (4, 16))
    # from the middle of the left position to that of the right one, where both have a half at a third of the way
    assert winners.people[0].tolist() == [0] * 7 + [1] * 9
    assert winners.margins[0, 3] == pytest.approx(0.5)
    assert winners.margins[0, 6] < winners.margins[0, 5] < winners.margins[0, 4]


def test_a_name_stands_inside_the_larger_of_two_areas():
    maps = torch.zeros(1, 40, 60)
    maps[0, 2:6, 2:6] = 1
    maps[0, 15:38, 30:58] = 1
    middle = find_winners(maps, (80, 120)).middle_of(0)
    assert middle is not None
    y, x = middle
    assert abs(y - 53) < 8
    assert abs(x - 88) < 8


def test_a_name_stands_on_a_ring_and_not_in_its_hole():
    side = torch.linspace(-1, 1, 48)
    distance = (side[:, None] ** 2 + side[None] ** 2).sqrt()
    maps = ((distance < 0.9) & (distance > 0.5)).float()[None]
    winners = find_winners(maps, (48, 48))
    assert winners.people[winners.middle_of(0)] == 0


def test_who_wins_nothing_has_no_middle():
    winners = find_winners(halves((0.9, 0.1), (0.9, 0.1)), (8, 8))
    assert winners.middle_of(1) is None
    assert winners.middle_of(0) is not None


@pytest.mark.parametrize("width", [1, 3])
def test_borders_are_lines_where_areas_meet(width):
    borders = find_winners(halves((1.0, 0.0), (0.0, 1.0), size=(8, 16)), (8, 16)).borders(width)
    assert borders.shape == (8, 16)
    assert borders.sum(1).tolist() == [width] * 8
    assert borders[:, 8].all()
