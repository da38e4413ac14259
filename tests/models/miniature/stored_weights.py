"""Weights as the miniature's files keep them."""

from __future__ import annotations

import torch


def halved(weights):
    """Weights after a file in half precision."""
    return {key: tensor.half().float() if tensor.is_floating_point() else tensor for key, tensor in weights.items()}


def assert_equal(weights, expected):
    """Fail with the keys whose tensors differ."""
    assert weights.keys() == expected.keys()
    assert [key for key in expected if not torch.equal(weights[key], expected[key])] == []
