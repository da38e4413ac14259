"""Separate softmaxes per person, weighted sums, slices."""

import likeness.models.adapters.decoupled_cross_attention as module
import pytest
import torch
from likeness.benchmarks.peak_memory import Peak
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


@pytest.fixture
def some():
    """Query, keys, values and weights of two rows, 37 positions and two people with 4 tokens; two heads."""
    generator = torch.Generator().manual_seed(1)
    query = torch.randn(2, 37, 16, generator=generator)
    keys, values = torch.randn(2, 2, 4, 16, generator=generator)
    return query, keys, values, torch.rand(2, 37, 2, generator=generator)


SCORES = 2 * 2 * 2 * 4  # of a position of these


@pytest.fixture
def sliced(monkeypatch):
    """Pictures with more than 20 positions are attended by 5."""
    monkeypatch.setattr(module, "LARGEST_SCORES", 20 * SCORES)
    monkeypatch.setattr(module, "SLICE_OF_SCORES", 5 * SCORES)


def test_slices_change_nothing(some, sliced):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "LARGEST_SCORES", 37 * SCORES)
        whole = module.decoupled_cross_attention(*some, 2)
    found = module.decoupled_cross_attention(*some, 2)
    torch.testing.assert_close(found, whole, atol=1e-6, rtol=1e-6)


def test_slices_pass_gradients_on(some, sliced):
    found = []
    for most in (37, 20):
        module.LARGEST_SCORES = most * SCORES
        leaves = [tensor.clone().requires_grad_() for tensor in some]
        module.decoupled_cross_attention(*leaves, 2).square().sum().backward()
        found.append([leaf.grad for leaf in leaves])
    for whole, by_slices in zip(*found, strict=True):
        torch.testing.assert_close(by_slices, whole)


@pytest.mark.usefixtures("sliced")
@pytest.mark.parametrize(("positions", "at_once"), [(1, 1), (20, 20), (21, 5), (1000, 5)])
def test_small_pictures_are_attended_at_once(positions, at_once):
    assert module.positions_at_once(positions, SCORES) == at_once


@pytest.mark.usefixtures("sliced")
def test_a_position_with_more_scores_than_a_slice_is_attended_by_itself():
    assert module.positions_at_once(20, 100 * SCORES) == 1


def test_pictures_of_1024_pixels_are_attended_at_once_and_larger_ones_are_not():
    """Four people with 16 tokens, a guidance pair: SD1.5 with 8 heads, SDXL with 10."""
    assert module.positions_at_once(128 * 128, 2 * 8 * 4 * 16) == 128 * 128
    assert module.positions_at_once(64 * 64, 2 * 10 * 4 * 16) == 64 * 64
    assert module.positions_at_once(128 * 128, 2 * 10 * 4 * 16) < 128 * 128


def test_scores_are_held_twice_at_most_and_beyond_a_size_by_slices(monkeypatch):
    """Beside them the query, its copy by heads, and what is read."""
    query, keys, values, weights = torch.randn(1, 4096, 16), *torch.randn(2, 8, 16, 16), torch.rand(1, 4096, 8)
    scores, query_bytes = 4096 * 2 * 128 * 4, 4096 * 16 * 4
    slack = 4 * query_bytes + 2**16
    held = []
    for slice_of in (1, 16):
        monkeypatch.setattr(module, "LARGEST_SCORES", 0 if slice_of > 1 else 2**24)
        monkeypatch.setattr(module, "SLICE_OF_SCORES", scores // 4 // slice_of)
        with torch.inference_mode(), Peak(torch.device("cpu")) as peak:
            module.decoupled_cross_attention(query, keys, values, weights, 2)
        held.append(peak.bytes)
        assert peak.bytes <= 2 * scores // slice_of + slack
    assert held[0] > 2 * scores


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
