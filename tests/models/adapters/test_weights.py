"""What a file holds for each attention layer."""

import pytest
import torch
from likeness.models.adapters.weights import by_layer, check_layers, key_shape, keys_and_values, lora_pairs
from likeness.models.errors import UnknownCheckpointError


def layers(**changed):
    weights = {
        "11.to_k_ip.weight": torch.full((6, 4), 11.0),
        "11.to_v_ip.weight": torch.full((6, 4), 12.0),
        "3.to_k_ip.weight": torch.full((8, 4), 3.0),
        "3.to_v_ip.weight": torch.full((8, 4), 4.0),
        "3.to_q_lora.down.weight": torch.ones(2, 8),
        "3.to_q_lora.up.weight": torch.ones(8, 2),
        "2.to_out_lora.down.weight": torch.ones(2, 8),
        "2.to_out_lora.up.weight": torch.ones(8, 2),
        "norm.weight": torch.ones(1),
    }
    return {key: tensor for key, tensor in (weights | changed).items() if tensor is not None}


def test_layers_come_in_the_order_of_their_numbers_and_other_keys_are_passed_over():
    grouped = by_layer(layers())
    assert [index for index, _ in grouped] == [2, 3, 11]
    assert set(dict(grouped)[11]) == {"to_k_ip.weight", "to_v_ip.weight"}


def test_keys_and_values_of_every_layer_that_has_them():
    modules = keys_and_values(layers(), "ip", 4, "a file", None)
    assert list(modules) == ["3", "11"]
    assert [key_shape(modules, index) for index in (3, 11)] == [(8, 4), (6, 4)]
    keys, values = modules["3"](torch.ones(1, 1, 4))
    assert (keys.unique().tolist(), values.unique().tolist()) == ([12], [16])
    assert not any(parameter.requires_grad for parameter in modules.parameters())


def test_projections_of_another_name_are_not_taken():
    assert len(keys_and_values(layers(), "faceid", 4, "a file", None)) == 0


def test_a_layer_with_keys_alone_or_of_another_width_is_refused_with_its_number():
    with pytest.raises(UnknownCheckpointError, match=r"a file, ip layer 11.*to_v\.weight"):
        keys_and_values(layers(**{"11.to_v_ip.weight": None}), "ip", 4, "a file", None)
    with pytest.raises(UnknownCheckpointError, match="ip layer 3"):
        keys_and_values(layers(), "ip", 5, "a file", None)


@pytest.mark.parametrize("dtype", [None, torch.float16])
def test_pairs_of_lora_by_layer_and_projection(dtype):
    found = lora_pairs(layers(), "adapter_modules", "a file", dtype)
    assert {index: list(pairs) for index, pairs in found.items()} == {2: ["out"], 3: ["q"]}
    down, up = found[3]["q"]
    assert (down.shape, up.shape) == ((2, 8), (8, 2))
    assert down.dtype == (dtype or torch.float32)


@pytest.mark.parametrize("half", ["down", "up"])
def test_half_a_pair_is_refused_by_its_key(half):
    other = {"down": "up", "up": "down"}[half]
    with pytest.raises(UnknownCheckpointError, match=rf"adapter_modules\.3\.to_q_lora\.{other}\.weight"):
        lora_pairs(layers(**{f"3.to_q_lora.{other}.weight": None}), "adapter_modules", "a file", None)


def test_halves_of_different_ranks_are_refused():
    with pytest.raises(UnknownCheckpointError, match=r"adapter_modules\.3\.to_q_lora\.up\.weight"):
        lora_pairs(layers(**{"3.to_q_lora.up.weight": torch.ones(8, 3)}), "adapter_modules", "a file", None)


def whole(*, tokens=True, lora=True):
    """Two transformers: a self- and a cross-attention layer each, 8 and 6 wide, of a text 4 wide."""
    found = {}
    for index, channels in enumerate((8, 8, 6, 6)):
        for part in ("q", "k", "v", "out") if lora else ():
            inputs = 4 if index % 2 and part in "kv" else channels
            found[f"{index}.to_{part}_lora.down.weight"] = torch.ones(2, inputs)
            found[f"{index}.to_{part}_lora.up.weight"] = torch.ones(channels, 2)
        for part in "kv" if tokens and index % 2 else ():
            found[f"{index}.to_{part}_ip.weight"] = torch.ones(channels, 4)
    return found


PARTS = [{}, {"lora": False}, {"tokens": False}]


@pytest.mark.parametrize("parts", PARTS)
@pytest.mark.parametrize("count", [None, 4])
def test_whole_layers_pass(parts, count):
    check_layers(whole(**parts), 4, "g", "a file", **parts, count=count)


@pytest.mark.parametrize("parts", PARTS)
def test_every_missing_or_misshaped_tensor_is_named(parts):
    for key in whole(**parts):
        rest = whole(**parts)
        tensor = rest.pop(key)
        with pytest.raises(UnknownCheckpointError, match=rf"a file .*missing \(g\.{key}\)"):
            check_layers(rest, 4, "g", "a file", **parts, count=4)
        with pytest.raises(UnknownCheckpointError, match=r"of another shape \(g\."):
            check_layers(rest | {key: torch.ones(tensor.shape[0] + 1, tensor.shape[1])}, 4, "g", "a file", **parts)


def test_tensors_that_are_not_asked_for_and_other_widths_are_refused():
    with pytest.raises(UnknownCheckpointError, match=r"32 unexpected \(g\.0\.to_q_lora"):
        check_layers(whole(), 4, "g", "a file", lora=False)
    with pytest.raises(UnknownCheckpointError, match=r"4 unexpected \(g\.1\.to_k_ip"):
        check_layers(whole(), 4, "g", "a file", tokens=False)
    with pytest.raises(UnknownCheckpointError, match=r"8 of another shape .*should be \(2, 5\)"):
        check_layers(whole(), 5, "g", "a file")
    with pytest.raises(UnknownCheckpointError, match="18 missing"):
        check_layers(whole(), 4, "g", "a file", count=6)
