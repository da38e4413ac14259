"""Which of a person's photos are unlike the others, on vectors whose cosines are known."""

from __future__ import annotations

import math

import pytest
import torch
from likeness.models.errors import BadImageError
from likeness.models.people.likeness import FENCE, likeness_factor, likenesses, strangeness

WIDTH = 64


def vectors(people, *, alike=0.7, seed=0):
    """A vector for each number; those of one number have a cosine of about `alike`, others' of about 0."""
    generator = torch.Generator().manual_seed(seed)
    own = torch.linalg.qr(torch.randn(WIDTH, WIDTH, generator=generator))[0]
    noise = torch.nn.functional.normalize(torch.randn(len(people), WIDTH - 16, generator=generator), dim=-1)
    found = torch.zeros(len(people), WIDTH)
    for row, number in enumerate(people):
        found[row] = own[number] * alike**0.5 + (1 - alike) ** 0.5 * noise[row] @ own[16:]
    return (1 + torch.arange(len(people)))[:, None] * found  # of any length


def outliers(people, **options):
    return [value > FENCE for value in strangeness(likenesses(vectors(people, **options))).tolist()]


def test_likeness_is_the_median_cosine_with_the_others():
    angles = torch.tensor([0.0, 60.0, 90.0, 180.0]).deg2rad()
    found = likenesses(torch.stack([angles.cos(), angles.sin()], 1))
    first = sorted([0.5, 0.0, -1.0])[1]
    third = sorted([0.0, math.cos(math.radians(30)), 0.0])[1]
    assert found[[0, 2]].tolist() == pytest.approx([first, third], abs=1e-6)


@pytest.mark.parametrize("place", range(5))
@pytest.mark.parametrize("seed", range(5))
def test_one_stranger_among_five_is_found(place, seed):
    people = [0] * 5
    people[place] = 1
    assert outliers(people, seed=seed) == [number == 1 for number in people]


@pytest.mark.parametrize("people", [(0, 1, 0), (0, 0, 1, 0), (0, 1, 0, 0, 1), (0, 0, 1, 2, 0), (0, 0, 0, 0, 1, 2, 3)])
def test_most_photos_say_who_the_person_is(people):
    assert outliers(people) == [number != 0 for number in people]


@pytest.mark.parametrize("people", [(0, 1, 2), (0, 1, 2, 3, 4), (0, 0, 1, 1), (0, 0, 0, 0, 0), (0, 1), (0,) * 3])
def test_where_most_are_no_one_person_nobody_is_an_outlier(people):
    assert not any(outliers(people))


def test_identical_photos_and_two_photos_weigh_alike():
    same = vectors([0]).repeat(4, 1)
    assert strangeness(likenesses(same)).tolist() == [0.0] * 4
    assert likenesses(same).tolist() == pytest.approx([1.0] * 4)
    two = strangeness(likenesses(vectors([0, 1])))
    assert two.tolist() == [0.0, 0.0]


def test_one_stranger_among_identical_photos_is_found_though_nothing_deviates():
    people = torch.cat([vectors([0]).repeat(4, 1), vectors([1])])
    assert [value > FENCE for value in strangeness(likenesses(people)).tolist()] == [False] * 4 + [True]


def test_strangeness_is_the_modified_z_score_with_a_least_deviation():
    found = torch.tensor(
        [0.9, 0.8, 0.7, 0.6, 0.1], dtype=torch.float64
    )  # the median is .7, deviations .1 in the middle
    deviations = torch.tensor([0, 0, 0, 0.1, 0.6], dtype=torch.float64)
    torch.testing.assert_close(strangeness(found), deviations / (1.4826 * 0.1))
    near = torch.tensor([0.701, 0.700, 0.699, 0.6], dtype=torch.float64)
    torch.testing.assert_close(strangeness(near)[-1], torch.tensor((0.6995 - 0.6) / 0.05, dtype=torch.float64))


def test_factors_fall_beyond_the_turn_and_never_reach_nothing():
    assert [likeness_factor(strange) for strange in (0.0, 1.0, 1.345)] == [1.0, 1.0, 1.0]
    assert [likeness_factor(strange) for strange in (2.69, 13.45)] == pytest.approx([0.5, 0.1])


@pytest.mark.parametrize("broken", [math.nan, math.inf])
def test_vectors_that_are_no_numbers_are_told_with_the_face(broken):
    found = vectors([0, 0, 0, 0])
    found[2, 5] = broken
    with pytest.raises(BadImageError, match=r'NaN or infinity for face 3 of 4; take that photo out.*"all equally"'):
        likenesses(found)


def test_a_vector_of_zeros_is_like_nobody():
    found = vectors([0, 0, 0, 0])
    found[1] = 0
    assert [value > FENCE for value in strangeness(likenesses(found)).tolist()] == [False, True, False, False]
