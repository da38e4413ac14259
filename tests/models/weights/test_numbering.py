"""Numbers in names are bounded by the tensors that bear them."""

from __future__ import annotations

import pytest
import torch
from likeness.models.adapters.weights import by_layer, check_layers, keys_and_values, lora_pairs
from likeness.models.errors import UnknownCheckpointError
from likeness.models.weights.numbering import layer_count, require_reached

STRANGE = ("999999999", "9" * 5000, "x", "", "-1", "1e3", " 1", "٣", "²")


def test_layers_are_counted():
    keys = ["a.0.w", "a.0.b", "a.1.w", "a.2.w", "ab.7.w", "b"]
    assert layer_count(keys, "a.", "It") == 3
    assert layer_count(keys, "c.", "It") == 0
    assert layer_count(["a.3.x", "a.3.y", "a.3.z", "a.3.t"], "a.", "It") == 4  # others report what is missing


@pytest.mark.parametrize("number", STRANGE)
def test_a_number_that_no_tensors_reach_is_named(number):
    with pytest.raises(
        UnknownCheckpointError, match=r'It has a key "a\..*" whose number 2 tensors cannot reach'
    ) as refused:
        layer_count(["a.0.w", f"a.{number}.w"], "a.", "It")
    assert len(str(refused.value)) < 300


def test_the_highest_allowed_one_is_taken():
    assert require_reached(["k"], ["6"], 7, "It") == 7
    with pytest.raises(UnknownCheckpointError):
        require_reached(["k"], ["7"], 7, "It")


@pytest.mark.parametrize("number", ["999999999", "9" * 5000])
def test_attention_layers_are_bounded_too(number):
    layers = {f"{number}.to_k_ip.weight": torch.ones(4, 3), "1.to_k_ip.weight": torch.ones(4, 3)}
    for read in (
        lambda: by_layer(layers),
        lambda: check_layers(layers, 3, "group", "It"),
        lambda: keys_and_values(layers, "ip", 3, "It", None),
        lambda: lora_pairs(layers, "group", "It", None),
    ):
        with pytest.raises(UnknownCheckpointError, match="cannot reach"):
            read()


def test_layers_without_axes_are_named():
    flat = {"0.to_k_ip.weight": torch.tensor(1.0), "0.to_v_ip.weight": torch.tensor(1.0)}
    with pytest.raises(UnknownCheckpointError, match="of another shape"):
        keys_and_values(flat, "ip", 3, "It", None)
    halves = {"0.to_q_lora.down.weight": torch.tensor(1.0), "0.to_q_lora.up.weight": torch.ones(2, 2)}
    with pytest.raises(UnknownCheckpointError, match="should have 2 axes"):
        lora_pairs(halves, "group", "It", None)
