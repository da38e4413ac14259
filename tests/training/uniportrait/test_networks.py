"""UniPortrait's networks: new ones, those of a file, and back to the published keys."""

from __future__ import annotations

import pytest
import torch

pytest.importorskip("diffusers")

from likeness.diffusers_host.attention import attach, find_sites
from likeness.models.adapters.decoupled_cross_attention import KeyValueProjection
from likeness.models.errors import IncompatibleBaseModelError
from likeness.models.uniportrait.checkpoint import load
from likeness.models.uniportrait.encode import ReferenceFeatures
from likeness.tests.training.overfitting import overfit
from likeness.tests.training.small_world import nobody, small_base, small_batch, small_networks, stage_one
from likeness.training.adapter_networks import LoRALayers, lora_shapes
from likeness.training.export import export
from likeness.training.uniportrait.networks import (
    UniPortraitNetworks,
    faceid_weights,
    networks_of,
    new_id_embedding,
    new_networks,
    new_routers,
    router_weights,
)


def test_an_adapter_of_another_base_is_refused():
    adapter = load(stage_one().weights(), dim_head=8)
    with pytest.raises(IncompatibleBaseModelError, match="one architecture"):
        networks_of(adapter, stage_one("sdxl").base.unet)


def test_new_networks_have_the_published_sizes_and_change_nothing_but_attention(sd15):
    networks = new_networks(sd15, nobody(), rank=3, seed=0)
    assert networks.id_embedding.num_tokens == 16
    assert len(networks.id_embedding.layers) == 6
    assert len(networks.attention) == 16
    assert len(networks.lora.pairs()) == 32
    same = new_networks(sd15, nobody(), rank=3, seed=0)
    assert torch.equal(networks.id_embedding.latents, same.id_embedding.latents)
    sample, text = torch.ones(1, 4, 8, 8), torch.ones(1, 7, 24)
    plain = sd15(sample, torch.tensor(1), text).sample
    detach = attach(sd15, None, lora=networks.lora.pairs())
    with torch.no_grad():
        assert torch.equal(sd15(sample, torch.tensor(1), text).sample, plain)
    detach()


@pytest.mark.parametrize("width", [24, 96, 768])
def test_a_new_id_embedding_of_any_width_says_the_same_once_it_is_loaded(sd15, width):
    nobody = ReferenceFeatures(intrinsic=torch.randn(1, 3, 6), structure=torch.randn(1, 5, 10))
    embedding = new_id_embedding(width, nobody)
    attention = torch.nn.ModuleDict({"1": KeyValueProjection(width, 8)})
    lora = LoRALayers(lora_shapes(sd15, find_sites(sd15)), 2)
    networks = UniPortraitNetworks(embedding, attention, lora, torch.nn.ModuleDict())
    loaded = load(faceid_weights(networks)).id_embedding
    expected = embedding(nobody.intrinsic, nobody.structure, 1.0)
    torch.testing.assert_close(loaded(nobody.intrinsic, nobody.structure, 1.0), expected)


def test_networks_of_a_file_are_those_that_were_written(tmp_path):
    method = stage_one()
    overfit(method, small_batch(), steps=2)
    path = export(method.weights(), tmp_path / "adapter.safetensors", details={}, dtype=torch.float32)
    again = networks_of(load(path, dim_head=8), method.base.unet)
    for part in ("id_embedding", "attention", "lora"):
        before, after = (getattr(one, part).state_dict() for one in (method.networks, again))
        assert before.keys() == after.keys()
        assert all(torch.equal(before[key], after[key]) for key in before)


def test_there_is_a_router_for_every_layer_with_keys_and_values_and_the_seed_decides_it():
    networks = small_networks(small_base())
    first, same, other = (new_routers(networks, seed=seed).state_dict() for seed in (1, 1, 2))
    assert {key.split(".")[0] for key in first} == set(networks.attention)
    assert all(torch.equal(first[key], same[key]) for key in first)
    assert any(not torch.equal(first[key], other[key]) for key in first)


def test_each_stage_writes_its_own_part_of_a_file():
    networks = small_networks(small_base(), routers=True)
    first, second = faceid_weights(networks), router_weights(networks)
    assert first.keys() == {"faceid_proj", "faceid_adapter"}
    assert second.keys() == {"faceid_adapter"}
    parts = [{key.split(".")[1].removesuffix("_lora") for key in one["faceid_adapter"]} for one in (first, second)]
    shared = {"to_q", "to_k", "to_v", "to_out"}
    assert parts[0] == shared | {"to_k_faceid", "to_v_faceid"}
    assert parts[1] == shared | {"to_q_router", "to_k_router", "aggr_router"}
    assert not any(tensor.requires_grad for one in (first, second) for part in one.values() for tensor in part.values())
