"""Own keys and values in a UNet: as if they were written into its layers, with gradients, and off again without a trace."""

from __future__ import annotations

import copy

import pytest
import torch

pytest.importorskip("diffusers")

from likeness.diffusers_host.attention import attach, find_sites
from likeness.diffusers_host.key_values import replace_key_values
from likeness.models.adapters.decoupled_cross_attention import KeyValueProjection
from likeness.models.errors import IncompatibleBaseModelError
from torch import nn


def random_attention(unet, width=24):
    torch.manual_seed(5)
    sites = [site for site in find_sites(unet) if site.kind == "cross"]
    return nn.ModuleDict({str(site.index): KeyValueProjection(width, site.channels) for site in sites})


def written(unet, attention):
    """A copy of the UNet whose layers hold the projections."""
    changed = copy.deepcopy(unet)
    paths = {str(site.index): site.path for site in find_sites(unet)}
    with torch.no_grad():
        for index, projection in attention.items():
            layer = changed.get_submodule(paths[index])
            layer.to_k.weight.copy_(projection.to_k.weight)
            layer.to_v.weight.copy_(projection.to_v.weight)
    return changed


def output(unet, given):
    with torch.no_grad():
        return unet(**given).sample


def test_they_count_as_if_they_were_the_layers_own_and_leave_no_trace(unet, inputs):
    given, attention = inputs(unet), random_attention(unet)
    before, weights = output(unet, given), {key: each.clone() for key, each in unet.state_dict().items()}
    restore = replace_key_values(unet, attention)
    replaced = output(unet, given)
    restore()
    assert torch.equal(replaced, output(written(unet, attention), given))
    assert not torch.equal(replaced, before)
    assert torch.equal(output(unet, given), before)
    assert not any(module._forward_hooks for module in unet.modules())
    assert all(torch.equal(each, weights[key]) for key, each in unet.state_dict().items())
    restore()


def test_layers_that_are_not_given_keep_their_own(sd15, inputs):
    given, attention = inputs(sd15), random_attention(sd15)
    for index in list(attention)[1:]:
        del attention[index]
    restore = replace_key_values(sd15, attention)
    replaced = output(sd15, given)
    restore()
    assert torch.equal(replaced, output(written(sd15, attention), given))


@pytest.mark.parametrize("checkpointing", [False, True])
def test_gradients_are_those_of_the_layers_own_weights(sd15, inputs, checkpointing):
    given, attention = inputs(sd15), random_attention(sd15)
    expected = written(sd15, attention)
    sites = [site for site in find_sites(sd15) if site.kind == "cross"]
    for site in sites:
        for part in ("to_k", "to_v"):
            expected.get_submodule(f"{site.path}.{part}").weight.requires_grad_(True)
    expected(**given).sample.square().mean().backward()
    subject = copy.deepcopy(sd15)
    if checkpointing:
        subject.enable_gradient_checkpointing()
    replace_key_values(subject, attention)
    subject(**given).sample.square().mean().backward()
    for site in sites:
        for part in ("to_k", "to_v"):
            theirs = expected.get_submodule(f"{site.path}.{part}").weight.grad
            torch.testing.assert_close(attention.get_submodule(f"{site.index}.{part}").weight.grad, theirs)


def test_a_lora_beside_them_is_added(sd15, inputs):
    given, attention = inputs(sd15), random_attention(sd15)
    index = int(next(iter(attention)))
    channels = attention[str(index)].to_k.out_features
    pair = (torch.randn(2, 24), torch.randn(channels, 2))
    restore = replace_key_values(sd15, attention)
    detach = attach(sd15, None, lora={index: {"k": pair}})
    both = output(sd15, given)
    detach()
    restore()
    with torch.no_grad():
        attention[str(index)].to_k.weight += pair[1] @ pair[0]
    torch.testing.assert_close(both, output(written(sd15, attention), given), atol=1e-5, rtol=1e-5)


def test_a_unet_in_half_precision_gets_its_own_type_back(sd15, inputs):
    half, attention = copy.deepcopy(sd15).to(torch.bfloat16), random_attention(sd15)
    given = {name: each.to(torch.bfloat16) if each.is_floating_point() else each for name, each in inputs(sd15).items()}
    replace_key_values(half, attention)
    assert output(half, given).dtype == torch.bfloat16


@pytest.mark.parametrize(
    ("change", "message"),
    [("width", "attention layer 1 are of 32×20, this UNet has 32×24"), ("layer", "no such cross-attention layer")],
)
def test_those_of_another_architecture_are_refused(sd15, change, message):
    attention = random_attention(sd15, width=20 if change == "width" else 24)
    if change == "layer":
        attention["0"] = attention.pop("1")  # a self-attention
    with pytest.raises(IncompatibleBaseModelError, match=message):
        replace_key_values(sd15, attention)
    assert not any(module._forward_hooks for module in sd15.modules())
