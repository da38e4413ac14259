"""A batch of OmniPortrait moves with all of its tensors."""

from __future__ import annotations

import pytest
import torch

pytest.importorskip("diffusers")

from likeness.tests.training.omniportrait.small_pivot import small_batch
from likeness.training.omniportrait.batch import PivotBatch


def test_a_batch_moves_to_a_device_with_all_of_its_tensors():
    moved = small_batch(family="sdxl").to(torch.device("meta"))
    assert isinstance(moved, PivotBatch)
    tensors = [getattr(moved, name) for name in PivotBatch.__dataclass_fields__]
    assert {one.device.type for one in tensors if isinstance(one, torch.Tensor)} == {"meta"}
    assert moved.positions == (0, 1, 2)


def test_what_sd15_does_not_have_stays_away():
    moved = small_batch().to(torch.device("meta"))
    assert (moved.pooled, moved.empty_pooled, moved.weights) == (None, None, None)
