"""Weights in half precision with notes."""

from __future__ import annotations

import pytest
import torch
from likeness.miniature.networks.weights_file import write_networks, write_weights
from safetensors import safe_open
from safetensors.torch import load_file
from torch import nn


def test_floating_point_is_halved_and_whole_numbers_are_kept(tmp_path):
    weights = {"scale": torch.tensor([1.0, 1 / 3]), "rows": torch.tensor([70_000, 3])}
    write_weights(tmp_path / "it.safetensors", weights, {"licence": "Apache-2.0"})
    read = load_file(tmp_path / "it.safetensors")
    assert {name: tensor.dtype for name, tensor in read.items()} == {"scale": torch.float16, "rows": torch.int64}
    assert torch.equal(read["scale"], weights["scale"].half())
    assert torch.equal(read["rows"], weights["rows"])
    with safe_open(tmp_path / "it.safetensors", "pt") as file:
        assert file.metadata() == {"licence": "Apache-2.0"}


def test_weights_are_kept_whole_where_that_is_asked_for(tmp_path):
    weights = {"scale": torch.randn(4, 3, generator=torch.Generator().manual_seed(0)).T}  # not contiguous
    write_weights(tmp_path / "it.safetensors", weights, {}, dtype=torch.float32)
    assert torch.equal(load_file(tmp_path / "it.safetensors")["scale"], weights["scale"])


def test_a_file_that_cannot_be_written_leaves_the_old_one(tmp_path):
    path = tmp_path / "it.safetensors"
    write_weights(path, {"old": torch.ones(2)}, {})
    one = torch.ones(3)
    with pytest.raises(RuntimeError):
        write_weights(path, {"first": one, "again": one}, {}, dtype=torch.float32)  # two names share their memory
    assert load_file(path).keys() == {"old"}
    assert [each.name for each in tmp_path.iterdir()] == ["it.safetensors"]


def test_networks_lie_below_their_prefixes(tmp_path):
    torch.manual_seed(0)
    networks = {"first.": nn.Linear(3, 2), "second.": nn.Linear(2, 4, bias=False)}
    write_networks(tmp_path / "it.safetensors", networks, {})
    read = load_file(tmp_path / "it.safetensors")
    assert read.keys() == {"first.weight", "first.bias", "second.weight"}
    assert torch.equal(read["second.weight"], networks["second."].weight.half())
