"""FaceStudio's batch: every tensor of it moves."""

from __future__ import annotations

from dataclasses import fields, replace

import pytest
import torch

pytest.importorskip("diffusers")

from likeness.tests.training.facestudio.small_facestudio import small_batch


def test_a_batch_moves_with_all_its_tensors():
    weighted = replace(small_batch(), weights=torch.ones(2, 1, 8, 8))
    moved = weighted.to(torch.device("meta"))
    assert moved.positions == (0, 1)
    tensors = [getattr(moved, field.name) for field in fields(moved) if field.name != "positions"]
    assert {tensor.device.type for tensor in tensors} == {"meta"}


def test_weights_that_are_not_there_stay_away():
    assert small_batch().to(torch.device("meta")).weights is None
