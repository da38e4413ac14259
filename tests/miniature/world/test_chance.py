"""The numbers behind pictures: functions of seed and number, whatever else is asked for."""

from __future__ import annotations

import pytest
import torch
from likeness.miniature.world.chance import LIGHT, PERSON, PHRASES, PICTURE, POSE, draw_portraits, draw_scenes


def all_of(numbers, row):
    """Every number of one picture."""
    return torch.cat(
        [
            *(numbers.person[name][row].flatten() for name in PERSON),
            *(numbers.picture[name][row].flatten() for name in PICTURE),
            numbers.phrasing[row],
        ]
    )


def test_numbers_are_enough_for_everything_and_lie_from_0_to_below_1():
    numbers = draw_scenes(3, range(200), 2)
    assert numbers.person.keys() == set(PERSON)
    assert numbers.picture.keys() == set(PICTURE)
    assert {tuple(each.shape) for each in numbers.person.values()} == {(200, 2)}
    assert numbers.phrasing.shape == (200, PHRASES)
    every = torch.stack([all_of(numbers, row) for row in range(200)])
    assert every.dtype == torch.float64
    assert every.min() >= 0
    assert every.max() < 1
    assert (every.mean(0) - 0.5).abs().max() < 0.1
    assert len(every.unique(dim=1).T) == every.shape[1]  # no number decides two things


def test_a_picture_is_the_same_alone_as_among_others_and_another_in_another_world():
    together = draw_scenes(3, [4, 9, 2], 2)
    assert torch.equal(all_of(draw_scenes(3, [9], 2), 0), all_of(together, 1))
    assert not torch.equal(all_of(draw_scenes(4, [9], 2), 0), all_of(together, 1))


def test_more_people_change_nothing_of_the_first():
    two, four = draw_scenes(3, range(5), 2), draw_scenes(3, range(5), 4)
    for name in PERSON:
        assert torch.equal(four.person[name][:, :2], two.person[name])
    for name in PICTURE:
        assert torch.equal(four.picture[name], two.picture[name])


@pytest.mark.parametrize("people", [1, 3])
def test_portraits_stay_a_quarter_away_from_the_scene(people):
    scenes = draw_scenes(3, range(300), people)
    portraits = draw_portraits(3, range(300), scenes, 0)
    pairs = [(scenes.person[name].reshape(-1), portraits.person[name][:, 0]) for name in POSE]
    pairs += [(scenes.picture[name].repeat_interleave(people), portraits.picture[name]) for name in LIGHT]
    for here, there in pairs:
        away = (here - there).abs()
        away = torch.minimum(away, 1 - away)
        assert away.min() >= 0.25 - 1e-9
        assert away.max() > 0.45


def test_takes_are_other_portraits_of_the_same_person():
    scenes = draw_scenes(3, range(4), 2)
    first, same, other = (draw_portraits(3, range(4), scenes, take) for take in (0, 0, 1))
    assert torch.equal(all_of(first, 5), all_of(same, 5))
    assert not (all_of(first, 5) == all_of(other, 5)).any()
