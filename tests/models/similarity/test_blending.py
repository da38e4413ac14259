"""Blending: the mean cosine over pairs of faces."""

from __future__ import annotations

import math

import pytest
import torch
from likeness.models.errors import ShapeError
from likeness.models.similarity.blending import score
from torch.nn.functional import cosine_similarity


def test_two_faces_are_their_cosine_whatever_their_length():
    one, other = torch.tensor([3.0, 4.0]), torch.tensor([0.0, 2.0])
    assert score(torch.stack([one, other])) == pytest.approx(0.8)
    assert score(torch.stack([100 * one, other])) == pytest.approx(0.8)
    assert score(torch.stack([one, -one])) == pytest.approx(-1)


def test_it_is_the_mean_over_all_pairs():
    vectors = torch.randn(4, 16, generator=torch.Generator().manual_seed(0))
    pairs = [cosine_similarity(vectors[a], vectors[b], dim=0) for a in range(4) for b in range(a)]
    assert len(pairs) == 6
    assert score(vectors) == pytest.approx(float(sum(pairs) / 6), abs=1e-6)


@pytest.mark.parametrize("faces", [0, 1])
def test_nobody_is_blended_with_nobody(faces):
    assert score(torch.ones(faces, 8)) is None


@pytest.mark.parametrize("value", [math.nan, math.inf, 0.0])
def test_a_face_without_a_direction_is_left_out(value):
    vectors = torch.tensor([[1.0, 0.0], [value, value], [0.6, 0.8]])
    assert score(vectors) == pytest.approx(0.6)
    assert score(vectors[:2]) is None


def test_one_vector_alone_is_refused():
    with pytest.raises(ShapeError):
        score(torch.ones(8))
