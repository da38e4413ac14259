"""O6: what a face of half the size is, and whose pull it changes."""

from __future__ import annotations

import pytest
import torch

pytest.importorskip("diffusers")

import numpy as np
from likeness.miniature.ablations import face_sizes
from likeness.tests.miniature.ablations.small_questions import COUNT
from likeness.tests.miniature.ablations.small_questions import base as base
from likeness.tests.miniature.ablations.small_questions import paths as paths
from likeness.tests.miniature.ablations.small_questions import questions as questions
from likeness.tests.miniature.ablations.small_questions import true_masks as true_masks


def test_a_face_of_half_the_size_stands_in_the_middle(questions):
    whole = face_sizes.Sized(questions.references[:, 0], questions.heads[:, 0])
    half = whole.smaller
    assert half.pictures.shape == whole.pictures.shape
    torch.testing.assert_close(4 * half.heads.sum((1, 2)), whole.heads.sum((1, 2)), rtol=0.02, atol=0)
    torch.testing.assert_close(half.pictures[..., 32:96, 32:96].mean(), whole.pictures.mean(), rtol=0.02, atol=0)
    assert not half.heads[:, :31].any()


def test_a_smaller_portrait_changes_the_pull_of_sums_and_not_of_means(base, questions, true_masks):
    values = face_sizes.measure(base, questions, true_masks, block=1, at_once=4)
    for name in ("mean", "sum"):
        assert all(len(values[name][metric]) == COUNT for metric in face_sizes.METRICS)
    mean, total = (np.array(values[name][face_sizes.REFERENCE]) for name in ("mean", "sum"))
    assert mean.mean() < 0.5
    assert total.mean() == pytest.approx(2, abs=0.5)  # a quarter of the points, four times the pull
