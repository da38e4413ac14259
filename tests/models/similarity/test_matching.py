"""Whose face is whose: all permutations, strangers, people who are not there, twins, NaN."""

from __future__ import annotations

import math
from itertools import permutations, product

import pytest
import torch
from likeness.models.errors import InvalidSettingError, ShapeError
from likeness.models.similarity.matching import assign


def best_by_trying(similarity, threshold):
    """The largest sum that any one-to-one assignment of allowed pairs has."""
    faces, people = similarity.shape
    best = 0.0
    for chosen in product([-1, *range(faces)], repeat=people):
        taken = [face for face in chosen if face >= 0]
        if len(taken) == len(set(taken)):
            pairs = [float(similarity[face, person]) for person, face in enumerate(chosen) if face >= 0]
            if all(pair >= threshold for pair in pairs):
                best = max(best, sum(pairs))
    return best


@pytest.mark.parametrize("count", range(1, 7))
def test_it_is_right_in_all_permutations(count):
    generator = torch.Generator().manual_seed(count)
    others = torch.rand(count, count, generator=generator) * 0.3
    own = 0.6 + torch.rand(count, generator=generator) * 0.3
    for order in permutations(range(count)):
        similarity = others.clone()
        similarity[list(order), range(count)] = own
        assert assign(similarity, 0.5).tolist() == list(order)


@pytest.mark.parametrize("shape", [(1, 4), (4, 1), (3, 3), (4, 3), (3, 4), (2, 4)])
@pytest.mark.parametrize("threshold", [0.0, 0.4, 0.8])
def test_the_sum_of_allowed_pairs_is_the_largest(shape, threshold):
    generator = torch.Generator().manual_seed(3)
    for _ in range(20):
        similarity = torch.rand(shape, generator=generator)
        found = assign(similarity, threshold)
        pairs = [float(similarity[face, person]) for person, face in enumerate(found.tolist()) if face >= 0]
        assert len(set(found[found >= 0].tolist())) == len(pairs)
        assert all(pair >= threshold for pair in pairs)
        assert sum(pairs) == pytest.approx(best_by_trying(similarity, threshold))


def test_the_best_pair_alone_does_not_decide():
    """A greedy match would give the first person the face of 0.9 and the second nobody."""
    assert assign(torch.tensor([[0.9, 0.85], [0.6, 0.1]]), 0.5).tolist() == [1, 0]


def test_a_face_below_the_threshold_is_a_stranger_and_one_on_it_is_not():
    similarity = torch.tensor([[0.5, 0.1], [0.2, 0.499]], dtype=torch.float64)
    assert assign(similarity, 0.5).tolist() == [0, -1]


def test_more_faces_than_people_and_the_reverse():
    faces = torch.tensor([[0.1, 0.2], [0.2, 0.7], [0.3, 0.1], [0.8, 0.6]])
    assert assign(faces, 0.5).tolist() == [3, 1]
    assert assign(faces.T, 0.5).tolist() == [-1, 1, -1, 0]


def test_nobody_there():
    assert assign(torch.zeros(0, 3), 0.5).tolist() == [-1, -1, -1]
    assert assign(torch.zeros(3, 0), 0.5).tolist() == []


def test_twins_get_a_face_each():
    """Two equal references: both faces are given, whichever way."""
    similarity = torch.tensor([[0.8, 0.8], [0.7, 0.7], [0.1, 0.1]])
    assert sorted(assign(similarity, 0.5).tolist()) == [0, 1]
    assert sorted(assign(similarity[:1], 0.5).tolist()) == [-1, 0]


@pytest.mark.parametrize("odd", [math.nan, math.inf, -math.inf])
def test_what_is_no_number_reaches_nothing_and_disturbs_nobody(odd):
    similarity = torch.tensor([[odd, odd], [0.2, 0.9], [0.7, odd]])
    assert assign(similarity, 0.5).tolist() == [2, 1]
    assert assign(torch.full((2, 2), odd), -1.0).tolist() == [-1, -1]


def test_below_zero_a_pair_is_better_than_none():
    assert assign(torch.tensor([[-0.3, -0.9], [-0.8, -0.2]]), -0.5).tolist() == [0, 1]
    assert assign(torch.tensor([[math.nan], [0.0]]), 0.0).tolist() == [1]


def test_what_cannot_be_matched_is_refused():
    with pytest.raises(InvalidSettingError, match="threshold is NaN"):
        assign(torch.zeros(1, 1), math.nan)
    with pytest.raises(ShapeError):
        assign(torch.zeros(3), 0.5)
