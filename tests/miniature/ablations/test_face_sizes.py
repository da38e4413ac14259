"""O6: what a face of half the size is, and whose pull it changes."""

from __future__ import annotations

import pytest
import torch

pytest.importorskip("diffusers")

import numpy as np
from likeness.miniature.ablations import face_sizes
from likeness.miniature.ablations.heads import true_heads
from likeness.miniature.ablations.questions import new_questions, true_scenes
from likeness.miniature.networks.checkpoint import read_base
from likeness.miniature.networks.faces import read_faces
from likeness.tests.miniature.small_files import write_files

COUNT = 6


@pytest.fixture(scope="module")
def paths(tmp_path_factory):
    return write_files(tmp_path_factory.mktemp("small"))


@pytest.fixture(scope="module")
def base(paths):
    return read_base(paths["base"])


@pytest.fixture(scope="module")
def questions(paths):
    _, faces = read_faces(paths["faces"])
    return new_questions(faces, count=COUNT, people=1, channels=4)


@pytest.fixture(scope="module")
def true_masks():
    return true_heads(true_scenes(COUNT))[:, 0]


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
