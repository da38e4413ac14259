"""A batch of IP-Adapter FaceID moves with all of its tensors."""

from __future__ import annotations

import pytest
import torch

pytest.importorskip("diffusers")

from likeness.tests.training.ip_adapter.small_faceid import small_batch
from likeness.training.ip_adapter.batch import FaceBatch


def test_a_batch_moves_to_a_device_with_all_of_its_tensors():
    moved = small_batch(3, family="sdxl").to(torch.device("meta"))
    assert isinstance(moved, FaceBatch)
    tensors = [getattr(moved, name) for name in FaceBatch.__dataclass_fields__]
    assert {one.device.type for one in tensors if isinstance(one, torch.Tensor)} == {"meta"}
    assert moved.positions == (0, 1, 2)


def test_what_sd15_does_not_have_stays_away():
    moved = small_batch().to(torch.device("meta"))
    assert (moved.pooled, moved.empty_pooled, moved.weights) == (None, None, None)
