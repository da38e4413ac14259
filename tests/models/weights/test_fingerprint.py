"""Names of weights: the same for the same weights whatever their type and file, another for others."""

import copy

import pytest
import torch
from likeness.models.errors import MissingModelFileError
from likeness.models.weights import fingerprint as module
from likeness.models.weights.fingerprint import fingerprint, of_file, of_weights
from safetensors.torch import load_file, save_file
from torch import nn


@pytest.fixture
def network():
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(20, 30), nn.BatchNorm1d(30), nn.Linear(30, 1))


def test_the_same_weights_loaded_twice_or_in_half_have_one_name(network, tmp_path):
    half = copy.deepcopy(network).half()
    save_file(network.state_dict(), tmp_path / "weights.safetensors")
    again = load_file(tmp_path / "weights.safetensors")
    assert fingerprint(network) == fingerprint(half) == of_weights(again)


def test_another_weight_name_or_shape_is_another_name(network):
    weights = network.state_dict()
    changed = {key: tensor.clone() for key, tensor in weights.items()}
    changed["0.weight"][0, 0] += 1
    renamed = {key.replace("2.", "3."): tensor for key, tensor in weights.items()}
    reshaped = weights | {"0.weight": weights["0.weight"].T}
    assert len({of_weights(each) for each in (weights, changed, renamed, reshaped)}) == 4


def test_up_to_64_evenly_spaced_values_are_looked_at():
    long = torch.zeros(6400)
    first, last, between = (long.clone() for _ in range(3))
    first[0], last[-1], between[1] = 1, 1, 1
    names = [of_weights({"a": each}) for each in (long, first, last, between)]
    assert len(set(names)) == 3
    assert names[0] == names[3]


def test_a_network_is_read_once(network, monkeypatch):
    first = fingerprint(network)
    monkeypatch.setattr(module, "of_weights", lambda weights: "read again")
    assert fingerprint(network) == first
    assert fingerprint(copy.deepcopy(network)) == "read again"


def test_scalars_and_empty_tensors_have_names():
    assert of_weights({"a": torch.tensor(1.0)}) != of_weights({"a": torch.tensor(2.0)})
    assert of_weights({"a": torch.zeros(0)}) != of_weights({"a": torch.zeros(0, 2)})


def test_a_file_is_read_again_when_it_changes(tmp_path):
    path = tmp_path / "model.onnx"
    path.write_bytes(b"\x08\x07 one")
    first = of_file(path)
    path.write_bytes(b"\x08\x07 another")
    assert of_file(path) != first
    path.unlink()
    with pytest.raises(MissingModelFileError, match="does not exist"):
        of_file(path)
