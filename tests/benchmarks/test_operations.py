"""Counting what is launched and what is multiplied."""

from __future__ import annotations

import pytest
import torch
from likeness.benchmarks.operations import count_flops, count_operations
from torch.nn.functional import scaled_dot_product_attention


def test_views_are_not_counted_and_everything_else_is():
    tensor = torch.ones(4, 6)
    found = count_operations(lambda: (tensor.view(6, 4).transpose(0, 1)[:2] + 1).mul(2))
    assert found == {"add": 1, "mul": 1}


def test_composite_operations_count_as_they_are_written():
    query = torch.randn(1, 2, 5, 4)
    with torch.inference_mode():
        found = count_operations(lambda: scaled_dot_product_attention(query, query, query))
    assert found == {"scaled_dot_product_attention": 1}


def test_work_is_that_of_the_products():
    left, right = torch.zeros(3, 5), torch.zeros(5, 7)
    assert count_flops(lambda: left @ right) == 2 * 3 * 5 * 7


@pytest.mark.parametrize("is_masked", [False, True])
@pytest.mark.parametrize("device", ["cpu", "meta"])
def test_attention_is_work_wherever_it_runs(device, is_masked):
    query = torch.zeros(2, 3, 16, 8, device=device)
    key = torch.zeros(2, 3, 4, 8, device=device)
    mask = torch.zeros(2, 1, 16, 4, device=device) if is_masked else None
    found = count_flops(lambda: scaled_dot_product_attention(query, key, key, attn_mask=mask))
    assert found == 2 * (2 * 2 * 3 * 16 * 4 * 8)
