"""LoRA as a branch: the layers that get one, and what it adds."""

from __future__ import annotations

import pytest
import torch

pytest.importorskip("diffusers")

from likeness.diffusers_host.attention import find_sites
from likeness.diffusers_host.lora import PROJECTIONS, branches_of, lora_hook
from likeness.models.errors import IncompatibleBaseModelError
from torch import nn


def matrices(layer, rank=2, *, learns=False):
    down, up = torch.randn(rank, layer.in_features), torch.randn(layer.out_features, rank)
    return down.requires_grad_(learns), up.requires_grad_(learns)


@pytest.mark.parametrize("projection", PROJECTIONS)
def test_each_projection_finds_its_layer(sd15, projection):
    sites = find_sites(sd15)
    layer = sd15.get_submodule(f"{sites[1].path}.{PROJECTIONS[projection]}")
    pair = matrices(layer)
    branches = branches_of(sd15, sites, {sites[1].index: {projection: pair}})
    assert list(branches) == [layer]
    assert all(torch.equal(one, other) for one, other in zip(branches[layer], pair, strict=True))


def test_matrices_that_learn_are_handed_on_and_others_take_the_layer_s_type(sd15):
    sites = find_sites(sd15)
    layer = sd15.get_submodule(f"{sites[0].path}.to_q")
    learning, fixed = matrices(layer, learns=True), tuple(each.double() for each in matrices(layer))
    assert branches_of(sd15, sites, {0: {"q": learning}})[layer][0] is learning[0]
    assert {each.dtype for each in branches_of(sd15, sites, {0: {"q": fixed}})[layer]} == {layer.weight.dtype}


@pytest.mark.parametrize(("index", "width", "seen"), [(99, 32, "no such layer"), (0, 48, "32×32")])
def test_matrices_of_another_architecture_are_refused(sd15, index, width, seen):
    lora = {index: {"q": (torch.zeros(2, width), torch.zeros(width, 2))}}
    with pytest.raises(IncompatibleBaseModelError, match=seen):
        branches_of(sd15, find_sites(sd15), lora)


def test_the_hook_adds_what_merged_weights_would():
    layer, x = nn.Linear(6, 4), torch.randn(3, 6)
    down, up = matrices(layer)
    merged = layer(x) + 0.5 * x @ (up @ down).T
    handle = layer.register_forward_hook(lora_hook(down, up, 0.5))
    torch.testing.assert_close(layer(x), merged)
    handle.remove()
