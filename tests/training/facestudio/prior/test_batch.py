"""A prior's batch: every tensor of it moves."""

from __future__ import annotations

from dataclasses import fields

import torch
from likeness.tests.training.facestudio.prior.small_prior import small_batch


def test_a_batch_moves_with_all_its_tensors():
    moved = small_batch().to(torch.device("meta"))
    assert moved.positions == (0, 1, 2, 3)
    tensors = [getattr(moved, field.name) for field in fields(moved) if field.name != "positions"]
    assert {tensor.device.type for tensor in tensors} == {"meta"}
