"""FaceStudio's batch: every tensor of it moves."""

from __future__ import annotations

import torch
from likeness.tests.training.facestudio.small_facestudio import small_batch


def test_a_batch_moves_with_all_its_tensors():
    moved = small_batch().to(torch.device("meta"))
    assert moved.positions == (0, 1)
    assert {moved.latents.device.type, moved.style.device.type, moved.face.device.type, moved.sizes.device.type} == {
        "meta"
    }
    assert moved.weights is None
