"""Keys and values of tokens."""

import torch
from likeness.models.adapters.key_value import KeyValueProjection


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
