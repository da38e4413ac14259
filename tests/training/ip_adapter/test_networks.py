"""New IP-Adapter FaceID networks: their file is the published one, and they begin by changing little."""

from __future__ import annotations

import pytest
import torch

pytest.importorskip("diffusers")

from likeness.diffusers_host.attention import attach, find_sites
from likeness.models.errors import IncompatibleBaseModelError, InvalidSettingError
from likeness.models.ip_adapter.checkpoint import load
from likeness.models.ip_adapter.kinds import Kind
from likeness.models.weights.state_dict import flatten
from likeness.tests.training.small_world import small_base
from likeness.training.export import export
from likeness.training.ip_adapter.networks import faceid_weights, networks_of, new_networks
from torch import nn

VECTOR, RANK = 6, 3


def networks_for(unet, *, seed=1):
    return new_networks(unet, vector=VECTOR, rank=RANK, seed=seed)


def trained(networks):
    """The same networks with other weights everywhere."""
    generator = torch.Generator().manual_seed(2)
    with torch.no_grad():
        for part in (networks.projection, networks.attention, networks.lora):
            for parameter in part.parameters():
                parameter.copy_(torch.randn(parameter.shape, generator=generator))
    return networks


def assert_same(mine, theirs):
    assert mine.keys() == theirs.keys()
    assert [key for key in mine if not torch.equal(mine[key], theirs[key])] == []


@pytest.mark.parametrize("ending", ["safetensors", "bin"])
def test_what_was_trained_loads_as_a_published_file(unet, tmp_path, ending):
    networks = trained(networks_for(unet))
    path = export(faceid_weights(networks), tmp_path / f"mine.{ending}", details={}, dtype=torch.float32)
    adapter = load(path)
    assert (adapter.kind, adapter.lacks_lora, adapter.tokens, adapter.face_width) == (Kind.FACEID, False, 4, VECTOR)
    assert_same(adapter.projection.state_dict(), networks.projection.state_dict())
    assert_same(adapter.attention.state_dict(), networks.attention.state_dict())
    assert_same(flat(adapter.lora), flat(networks.lora.pairs()))
    assert adapter.widths == {site.index: site.channels for site in find_sites(unet) if site.kind == "cross"}


def flat(lora):
    return {
        f"{index}.{name}.{half}": matrix
        for index, pairs in lora.items()
        for name, pair in pairs.items()
        for half, matrix in zip(("down", "up"), pair, strict=True)
    }


def test_sizes_are_the_published_ones(sd15):
    with torch.device("meta"):
        weights = faceid_weights(new_networks(sd15, vector=512, rank=128, seed=0))
    shapes = {key: tuple(tensor.shape) for key, tensor in weights["image_proj"].items()}
    assert shapes == {
        "proj.0.weight": (1024, 512), "proj.0.bias": (1024,), "proj.2.weight": (4 * 24, 1024), "proj.2.bias": (4 * 24,),
        "norm.weight": (24,), "norm.bias": (24,),
    }  # fmt: skip
    layers = weights["ip_adapter"]
    assert {key.split(".")[0] for key in layers} == {str(index) for index in range(32)}
    assert {key.split(".")[0] for key in layers if "_ip." in key} == {str(index) for index in range(1, 32, 2)}
    assert layers["1.to_q_lora.down.weight"].shape[0] == 128


def test_attention_begins_as_the_unets_own_for_text(unet):
    networks = networks_for(unet)
    for site in find_sites(unet):
        if site.kind == "cross":
            mine, theirs = networks.attention[str(site.index)], unet.get_submodule(site.path)
            assert torch.equal(mine.to_k.weight, theirs.to_k.weight)
            assert torch.equal(mine.to_v.weight, theirs.to_v.weight)


def test_the_lora_begins_without_effect(unet, inputs):
    given, pairs = inputs(unet), networks_for(unet).lora.pairs()
    plain = unet(**given).sample
    detach = attach(unet, None, lora=pairs)
    with torch.no_grad():
        assert torch.equal(unet(**given).sample, plain)
        nn.init.ones_(pairs[1]["q"][1])
        assert not torch.equal(unet(**given).sample, plain)
    detach()


def test_a_seed_decides_all_weights_and_leaves_others_numbers_alone(sd15):
    torch.manual_seed(7)
    expected = torch.rand(3)
    torch.manual_seed(7)
    first, same, other = (flatten(faceid_weights(networks_for(sd15, seed=seed))) for seed in (1, 1, 2))
    assert torch.equal(torch.rand(3), expected)
    assert_same(first, same)
    assert not torch.equal(first["image_proj.proj.0.weight"], other["image_proj.proj.0.weight"])
    assert not any(tensor.requires_grad for tensor in first.values())


def test_networks_of_a_file_are_those_that_were_written(sd15):
    networks = trained(networks_for(sd15))
    again = networks_of(load(faceid_weights(networks)), sd15)
    assert_same(flatten(faceid_weights(again)), flatten(faceid_weights(networks)))
    with torch.no_grad():  # the file's tensors are not shared
        next(again.lora.parameters()).add_(1)
    assert not torch.equal(next(again.lora.parameters()), next(networks.lora.parameters()))


def test_an_adapter_of_another_base_is_refused(sd15):
    adapter = load(faceid_weights(networks_for(sd15)))
    with pytest.raises(IncompatibleBaseModelError, match="one architecture"):
        networks_of(adapter, small_base("sdxl").unet)


@pytest.mark.parametrize(("lacks", "told"), [("lora", "a FaceID without its LoRA"), ("tokens", "a FaceID Portrait")])
def test_an_adapter_that_is_no_whole_faceid_is_refused(sd15, lacks, told):
    weights = faceid_weights(networks_for(sd15))
    weights["ip_adapter"] = {key: each for key, each in weights["ip_adapter"].items() if "_lora." not in key}
    if lacks == "tokens":
        weights["image_proj"] |= {
            key: weights["image_proj"][key].repeat_interleave(4, 0) for key in ("proj.2.weight", "proj.2.bias")
        }
    with pytest.raises(InvalidSettingError, match=f"to begin from is {told};"):
        networks_of(load(weights), sd15)
