"""Batches are joined, people who are missing filled up, and moved with all of their tensors."""

from __future__ import annotations

import pytest
import torch

pytest.importorskip("diffusers")

from likeness.tests.training.small_world import small_batch
from likeness.training.batches.batch import Batch, join


def test_absent_people_are_filled_up():
    joined = join([small_batch(rows=1, people=1), small_batch(rows=1, people=3, first=1)])
    assert joined.present.tolist() == [[True, False, False], [True, True, True]]
    assert joined.intrinsic.shape == (2, 3, 3, 6)
    assert joined.positions == (0, 1)
    assert joined.pooled is None


def test_joining_keeps_what_each_row_had():
    parts = [small_batch(rows=1, people=2, first=first, family="sdxl") for first in (0, 1)]
    joined, whole = join(parts), small_batch(rows=2, people=2, family="sdxl")
    for name in Batch.__dataclass_fields__:
        one, other = getattr(joined, name), getattr(whole, name)
        assert torch.equal(one, other) if isinstance(one, torch.Tensor) else one == other, name


def test_those_who_are_filled_up_are_nothing():
    joined = join([small_batch(rows=1, people=1), small_batch(rows=1, people=3, first=1)])
    for name in ("intrinsic", "structure", "boxes"):
        assert not getattr(joined, name)[0, 1:].any()
        assert getattr(joined, name)[1].flatten(1).any(1).all()


def test_a_batch_moves_with_all_of_its_tensors():
    moved = small_batch(family="sdxl").to(torch.device("meta"))
    assert isinstance(moved, Batch)
    tensors = [getattr(moved, name) for name in Batch.__dataclass_fields__]
    assert {one.device.type for one in tensors if isinstance(one, torch.Tensor)} == {"meta"}
    assert moved.positions == (0, 1)
    assert moved.weights is None
