"""Measures of two faces, and one vector for several photos."""

from __future__ import annotations

import pytest
import torch
from likeness.models.face.recognition.same_person import lengths_matter, mean_vector, measured, sign_of

FACES = torch.tensor([[3.0, 0.0], [0.0, 2.0], [3.0, 4.0]])
PEOPLE = torch.tensor([[1.0, 0.0], [0.0, 5.0]])


def test_cosines_do_not_know_lengths():
    torch.testing.assert_close(measured(FACES, PEOPLE, "cosine"), torch.tensor([[1, 0], [0, 1], [0.6, 0.8]]))


def test_distances_do():
    expected = torch.tensor([[2.0, 34**0.5], [5**0.5, 3.0], [20**0.5, 10**0.5]])
    torch.testing.assert_close(measured(FACES, PEOPLE, "distance"), expected)


def test_the_higher_the_more_alike():
    assert (sign_of("cosine"), sign_of("distance")) == (1, -1)
    assert (lengths_matter("cosine"), lengths_matter("distance")) == (False, True)


def test_several_photos_are_the_mean_of_directions_or_of_vectors():
    vectors, weights = torch.tensor([[10.0, 0.0], [0.0, 1.0]]), torch.tensor([3.0, 1.0])
    torch.testing.assert_close(mean_vector(vectors, weights, "cosine"), torch.tensor([0.75, 0.25]))
    torch.testing.assert_close(mean_vector(vectors, weights, "distance"), torch.tensor([7.5, 0.25]))


@pytest.mark.parametrize("measure", ["cosine", "distance"])
def test_nobody_is_measured(measure):
    assert measured(torch.zeros(0, 2), PEOPLE, measure).shape == (0, 2)
