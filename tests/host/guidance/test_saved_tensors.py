"""Writing into what a graph holds, many times over, so that memory is used again."""

from __future__ import annotations

import pytest
import torch

pytestmark = pytest.mark.comfy


def gradient(x, is_in_place):
    """Of products of what is then written into, and of layers between them, in their input."""
    leaf = x.clone().requires_grad_(True)
    h = leaf.clone()
    for size in (8, 4, 2) * 20:
        part = h[:, :size]
        product = part * (1 + h.mean(1, keepdim=True))
        if is_in_place:
            h[:, :size] = product
            h.mul_(0.9)
        else:
            h = torch.cat((product, h[:, size:]), 1) * 0.9
        h = torch.nn.functional.layer_norm(h, h.shape[1:]) + 0.1
    [found] = torch.autograd.grad(h.pow(3).sum(), leaf)
    return found


def test_gradients_are_those_of_what_was_there_before():
    from likeness.host.guidance.other_packs import copied_before_writing

    x = torch.randn(3, 16, generator=torch.Generator().manual_seed(0))
    expected = gradient(x, is_in_place=False)
    assert expected.abs().max() > 1e-6
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        gradient(x, is_in_place=True)
    for _ in range(5):
        with copied_before_writing():
            torch.testing.assert_close(gradient(x, is_in_place=True), expected)
