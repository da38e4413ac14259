"""An adapter's LoRA as weight patches."""

from __future__ import annotations

import pytest
import torch
from likeness.models.errors import IncompatibleBaseModelError

pytestmark = pytest.mark.comfy


def pair(site, projection, seed=0, rank=3):
    generator = torch.Generator().manual_seed(seed)
    inputs = 24 if site.kind == "cross" and projection in "kv" else site.channels
    return torch.randn(rank, inputs, generator=generator), torch.randn(site.channels, rank, generator=generator)


def patched(model, lora, strength):
    from likeness.host.unet.lora import add_lora

    clone = model.clone()
    add_lora(clone, lora, strength)
    return clone


@pytest.mark.parametrize("strength", [1.0, 0.3])
def test_weights_become_what_the_matrices_say_and_go_back(tiny_model, strength):
    from likeness.host.unet.sites import find_sites, unet_of

    model = tiny_model()
    unet = unet_of(model)
    chosen = [site for site in find_sites(unet) if site.index in (2, 17)]  # a self- and a cross-attention layer
    assert {site.kind for site in chosen} == {"self", "cross"}
    lora = {site.index: {part: pair(site, part) for part in ("q", "k", "v", "out")} for site in chosen}
    layers = {site.index: unet.get_submodule(site.path) for site in chosen}
    names = {"q": "to_q.weight", "k": "to_k.weight", "v": "to_v.weight", "out": "to_out.0.weight"}

    def weight(index, part):
        return layers[index].get_parameter(names[part]).detach().clone()

    before = {(index, part): weight(index, part) for index in lora for part in names}
    clone = patched(model, lora, strength)
    clone.patch_model()
    for (index, part), old in before.items():
        down, up = lora[index][part]
        torch.testing.assert_close(weight(index, part), old + strength * up @ down, atol=1e-5, rtol=1e-5)
    clone.unpatch_model()
    assert all(torch.equal(weight(index, part), old) for (index, part), old in before.items())


def test_a_layer_that_the_model_does_not_have_is_named(tiny_model):
    lora = {99: {"q": (torch.zeros(3, 32), torch.zeros(32, 3))}}
    with pytest.raises(
        IncompatibleBaseModelError, match=r"attention layer 99 needs .* 32×32, this model has no such layer"
    ):
        patched(tiny_model(), lora, 1.0)


def test_a_layer_of_another_width_is_named_with_both_widths(tiny_model, cross_sites):
    model = tiny_model()
    index = cross_sites(model)[0].index
    lora = {index: {"k": (torch.zeros(3, 768), torch.zeros(32, 3))}}
    with pytest.raises(
        IncompatibleBaseModelError, match=f"layer {index} needs a weight of 32×768, this model has 32×24"
    ):
        patched(model, lora, 1.0)
