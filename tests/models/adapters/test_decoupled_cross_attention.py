"""Separate softmaxes per person, weighted sums, slices."""

import likeness.models.adapters.decoupled_cross_attention as module
import pytest
import torch
from likeness.models.adapters.decoupled_cross_attention import KeyValueProjection
from torch.nn.functional import scaled_dot_product_attention


def test_keys_and_values_are_two_maps_without_an_offset():
    torch.manual_seed(0)
    module = KeyValueProjection(6, 8)
    tokens = torch.randn(2, 3, 6)
    keys, values = module(tokens)
    torch.testing.assert_close(keys, tokens @ module.to_k.weight.T)
    torch.testing.assert_close(values, tokens @ module.to_v.weight.T)
    assert not torch.allclose(keys, values)
    assert all(not part.any() for part in module(torch.zeros(1, 3, 6)))


def test_its_weights_are_named_as_adapters_are_loaded():
    assert {name: tuple(tensor.shape) for name, tensor in KeyValueProjection(6, 8).state_dict().items()} == {
        "to_k.weight": (8, 6),
        "to_v.weight": (8, 6),
    }


def reference(query, keys, values, weights, heads):
    def split(tensor):
        return tensor.unflatten(-1, (heads, -1)).transpose(-2, -3)

    total = torch.zeros_like(query)
    for place in range(len(keys)):
        key, value = (split(t[place : place + 1]).expand(len(query), -1, -1, -1) for t in (keys, values))
        attended = scaled_dot_product_attention(split(query), key, value)
        total += weights[..., place : place + 1] * attended.transpose(1, 2).flatten(2)
    return total


@pytest.mark.parametrize(("rows", "positions", "people"), [(1, 16, 1), (2, 35, 3), (3, 64, 8)])
def test_equal_to_one_attention_per_person(rows, positions, people):
    generator = torch.Generator().manual_seed(0)
    query = torch.randn(rows, positions, 24, generator=generator)
    keys, values = torch.randn(2, people, 5, 24, generator=generator)
    weights = torch.rand(rows, positions, people, generator=generator)
    got = module.decoupled_cross_attention(query, keys, values, weights, 4)
    torch.testing.assert_close(got, reference(query, keys, values, weights, 4))


def test_every_row_may_have_people_of_its_own():
    generator = torch.Generator().manual_seed(3)
    query = torch.randn(3, 10, 16, generator=generator)
    keys, values = torch.randn(2, 3, 2, 5, 16, generator=generator)
    weights = torch.rand(3, 10, 2, generator=generator)
    got = module.decoupled_cross_attention(query, keys, values, weights, 4)
    for row in range(3):
        own = slice(row, row + 1)
        alone = module.decoupled_cross_attention(query[own], keys[row], values[row], weights[own], 4)
        torch.testing.assert_close(got[own], alone)


def test_slices_change_nothing(monkeypatch):
    generator = torch.Generator().manual_seed(1)
    query = torch.randn(2, 37, 16, generator=generator)
    keys, values = torch.randn(2, 2, 4, 16, generator=generator)
    weights = torch.rand(2, 37, 2, generator=generator)
    whole = module.decoupled_cross_attention(query, keys, values, weights, 2)
    monkeypatch.setattr(module, "LARGEST_SCORES", 2 * 2 * 2 * 4 * 5)
    torch.testing.assert_close(module.decoupled_cross_attention(query, keys, values, weights, 2), whole)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_half_precision_stays_close(dtype):
    generator = torch.Generator().manual_seed(2)
    query = torch.randn(1, 16, 16, generator=generator)
    keys, values = torch.randn(2, 2, 4, 16, generator=generator)
    weights = torch.eye(2)[torch.randint(0, 2, (1, 16), generator=generator)]
    exact = module.decoupled_cross_attention(query, keys, values, weights, 2)
    got = module.decoupled_cross_attention(*(t.to(dtype) for t in (query, keys, values, weights)), 2)
    assert got.dtype == dtype
    torch.testing.assert_close(got.float(), exact, atol=0.05, rtol=0.05)
