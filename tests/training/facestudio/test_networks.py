"""FaceStudio's networks: how they begin, what they hold, and from a file and back."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

pytest.importorskip("diffusers")

from likeness.models.errors import IncompatibleBaseModelError, InvalidSettingError, UnknownCheckpointError
from likeness.models.facestudio.checkpoint import load
from likeness.tests.training.facestudio.small_facestudio import DESCRIPTION, FACE, POOLED, STYLE, small_networks
from likeness.tests.training.small_world import WIDTH, small_base
from likeness.training.facestudio.networks import facestudio_weights, networks_of, new_networks
from likeness.training.facestudio.start import Start
from torch.nn.functional import normalize


def from_weights(networks, base):
    weights = facestudio_weights(networks, base.unet)
    flat = {f"{part}.{key}": tensor.clone() for part, tensors in weights.items() for key, tensor in tensors.items()}
    return load(flat, description=DESCRIPTION)


def test_tokens_begin_as_large_as_asked_for_and_half_of_it_is_the_face():
    start = Start(style=768, length=10.0, spread=0.9)
    layer = new_networks(small_base().unet, start, seed=0, rank=2).layer
    generator = torch.Generator().manual_seed(1)  # with the layer's seed they would be its weights
    style, face = (normalize(torch.randn(64, width, generator=generator), dim=-1) for width in (768, 512))
    style = 10 * style
    with torch.no_grad():
        both, alone = layer(style, face), layer(torch.zeros_like(style), face)
    assert both.shape == (64, 8, WIDTH)
    assert both.std().item() == pytest.approx(0.9, rel=0.1)
    assert alone.std().item() == pytest.approx(0.9 * 0.5**0.5, rel=0.1)
    assert not layer.bias.any()


def test_the_light_form_begins_as_the_unet_and_leaves_its_keys_without_a_lora():
    base = small_base()
    networks = small_networks(base, rank=3)
    assert networks.form == "light"
    assert networks.lora.rank == 3
    assert networks.pooled is None
    pairs = networks.lora.pairs()
    assert set(pairs[0]) == {"q", "k", "v", "out"}
    assert set(pairs[1]) == {"q", "out"}
    assert not any(up.any() for parts in pairs.values() for _, up in parts.values())
    own = base.unet.get_submodule("down_blocks.0.attentions.0.transformer_blocks.0.attn2")
    assert torch.equal(networks.attention["1"].to_k.weight, own.to_k.weight)
    assert torch.equal(networks.attention["1"].to_v.weight, own.to_v.weight)


def test_the_pooled_vector_of_sdxl_begins_as_the_empty_prompts():
    networks = small_networks(small_base("sdxl"))
    tokens = networks.layer(torch.randn(2, STYLE), torch.randn(2, FACE))
    assert networks.pooled is not None
    assert torch.equal(networks.pooled(tokens), torch.linspace(-1, 1, POOLED).expand(2, -1))


def test_the_seed_decides_the_new_weights_and_no_random_state_moves():
    base, before = small_base(), torch.random.get_rng_state()
    first, again, other = (small_networks(base, seed=seed) for seed in (0, 0, 1))
    assert torch.equal(torch.random.get_rng_state(), before)
    assert torch.equal(first.layer.weight, again.layer.weight)
    assert not torch.equal(first.layer.weight, other.layer.weight)


@pytest.mark.parametrize("family", ["sd15", "sdxl"])
@pytest.mark.parametrize(("form", "tokens"), [("light", 8), ("light", 1), ("full", 8)])
def test_a_file_gives_the_same_networks_again(family, form, tokens):
    base = small_base(family)
    networks = small_networks(base, form=form, tokens=tokens)
    for parameter in (networks.layer.bias, *networks.attention.parameters(), *(base.unet.parameters())):
        torch.nn.init.normal_(parameter)
    other = small_base(family)
    found = networks_of(from_weights(networks, base), other.unet)
    assert found.form == form
    before, after = facestudio_weights(networks, base.unet), facestudio_weights(found, other.unet)
    assert before.keys() == after.keys()
    for part, tensors in before.items():
        assert tensors.keys() == after[part].keys()
        assert all(torch.equal(tensor, after[part][key]) for key, tensor in tensors.items())


def test_a_file_of_another_base_is_refused():
    adapter = from_weights(small_networks(small_base()), small_base())
    with pytest.raises(IncompatibleBaseModelError, match="are not those of this base model"):
        networks_of(adapter, small_base("sdxl").unet)
    whole = from_weights(small_networks(small_base(), form="full"), small_base())
    with pytest.raises(UnknownCheckpointError, match=r"keys .* missing \(unet\."):
        networks_of(whole, small_base("sdxl").unet)
    del adapter.lora[0]["q"]
    with pytest.raises(InvalidSettingError, match="not of the attention matrices that get one here"):
        networks_of(adapter, small_base().unet)


def test_a_context_of_another_width_is_refused():
    base = small_base()
    networks = small_networks(base)
    wide = new_networks(base.unet, Start(style=STYLE, length=1, spread=1), seed=0, rank=2, face=FACE)
    wide.layer.weight, wide.layer.bias = (
        torch.nn.Parameter(torch.zeros(8 * 30, STYLE + FACE)), torch.nn.Parameter(torch.zeros(8, 30)),
    )  # fmt: skip
    adapter = replace(from_weights(networks, base), layer=wide.layer)
    with pytest.raises(IncompatibleBaseModelError, match="a context 30 wide and this base model reads one of 24"):
        networks_of(adapter, base.unet)
