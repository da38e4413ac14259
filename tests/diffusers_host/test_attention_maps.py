"""Attention maps of diffusers' UNet: the same as its layers compute, with LoRA and gradients, and gone without a trace."""

from __future__ import annotations

import copy
import math

import pytest
import torch

pytest.importorskip("diffusers")

from diffusers.models.attention_processor import AttnProcessor, AttnProcessor2_0
from likeness.diffusers_host.attention import attach, find_sites
from likeness.diffusers_host.attention_maps import EVERY, AttentionMaps, nearest_level
from likeness.diffusers_host.lora import PROJECTIONS
from likeness.models.errors import IncompatibleBaseModelError
from likeness.models.port.word_attention import attention_columns
from torch import nn


@pytest.fixture
def recorded():
    """A function: what recorded maps of one call of a UNet are; the hooks are taken off afterwards."""

    def record(unet, given):
        maps = AttentionMaps(unet)
        unet(**given)
        maps.detach()
        return maps.take()

    return record


class Scores(AttnProcessor):
    """Diffusers' plain attention, which also keeps its scores of the text."""

    def __init__(self):
        super().__init__()
        self.kept = []

    def __call__(self, attn, hidden_states, encoder_hidden_states=None, *args, **settings):
        if encoder_hidden_states is not None:
            query = attn.head_to_batch_dim(attn.to_q(hidden_states))
            self.kept.append(attn.get_attention_scores(query, attn.head_to_batch_dim(attn.to_k(encoder_hidden_states))))
        return super().__call__(attn, hidden_states, encoder_hidden_states, *args, **settings)


def diffusers_scores(unet, given):
    """Scores of all cross-attention layers as they run."""
    watched, processor = copy.deepcopy(unet), Scores()
    watched.set_attn_processor(processor)
    watched(**given)
    return processor.kept


def random_lora(unet, projections=("q", "k", "v", "out"), rank=2):
    generator = torch.Generator().manual_seed(5)
    lora = {}
    for site in find_sites(unet):
        for projection in projections:
            layer = unet.get_submodule(f"{site.path}.{PROJECTIONS[projection]}")
            down = torch.randn(rank, layer.in_features, generator=generator)
            up = torch.randn(layer.out_features, rank, generator=generator) * 0.05
            lora.setdefault(site.index, {})[projection] = (down.requires_grad_(), up.requires_grad_())
    return lora


def with_lora(unet, lora):
    """A copy with the LoRA in its weights."""
    merged = copy.deepcopy(unet)
    for site in find_sites(merged):
        for projection, (down, up) in lora[site.index].items():
            merged.get_submodule(f"{site.path}.{PROJECTIONS[projection]}").weight.data += (up @ down).detach()
    return merged


def hooks_on(unet):
    return [name for name, module in unet.named_modules() if module._forward_hooks or module._forward_pre_hooks]


def test_maps_are_what_diffusers_computes_of_every_layer_in_turn(unet, inputs, recorded):
    given = inputs(unet)
    maps, expected = recorded(unet, given), diffusers_scores(unet, given)
    assert len(maps) == sum(site.kind == "cross" for site in find_sites(unet))
    for one, other in zip(maps, expected, strict=True):
        torch.testing.assert_close(one, other)
    assert max(float(one.std()) for one in maps) > 1e-3  # they look at something


def test_a_map_has_a_row_per_place_and_a_column_per_token(sd15, inputs, recorded):
    maps = recorded(sd15, inputs(sd15, rows=3))
    heads = 4
    places = [64, 64, 16, 16, 4, 4, 1, *[4] * 3, *[16] * 3, *[64] * 3]
    assert [one.shape for one in maps] == [(3 * heads, length, 7) for length in places]
    for one in maps:
        torch.testing.assert_close(one.sum(-1), torch.ones(one.shape[:2]))


def test_the_heads_of_a_picture_lie_together(sd15, inputs, recorded):
    given = inputs(sd15, rows=2)
    both = recorded(sd15, given)
    for row in range(2):
        one = {name: value[row : row + 1] if value.ndim else value for name, value in given.items()}
        for whole, alone in zip(both, recorded(sd15, one), strict=True):
            heads = len(alone)
            torch.testing.assert_close(whole[row * heads : (row + 1) * heads], alone)


def test_any_attention_processor_may_run(sd15, inputs, recorded):
    given, maps = inputs(sd15), []
    for processor in (AttnProcessor(), AttnProcessor2_0()):
        unet = copy.deepcopy(sd15)
        unet.set_attn_processor(processor)
        maps.append(recorded(unet, given))
    for one, other in zip(*maps, strict=True):
        torch.testing.assert_close(one, other)


def test_maps_are_of_whole_precision_whatever_the_unet_has(sd15, inputs, recorded):
    given = {name: value.bfloat16() if value.ndim else value for name, value in inputs(sd15).items()}
    maps = recorded(copy.deepcopy(sd15).bfloat16(), given)
    assert {one.dtype for one in maps} == {torch.float32}
    torch.testing.assert_close(maps[0].sum(-1), torch.ones(maps[0].shape[:2]))


def test_a_lora_that_was_attached_before_counts(unet, inputs, recorded):
    given, lora = inputs(unet), random_lora(unet)
    plain = recorded(unet, given)
    detach = attach(unet, None, lora=lora)
    maps = recorded(unet, given)
    detach()
    for one, other, without in zip(maps, diffusers_scores(with_lora(unet, lora), given), plain, strict=True):
        torch.testing.assert_close(one, other, atol=1e-4, rtol=1e-3)
        assert not torch.allclose(one, without, atol=3e-3)


def test_gradients_reach_text_and_lora(sd15, inputs, recorded):
    given, lora = inputs(sd15), random_lora(sd15, ("q", "k"))
    given["encoder_hidden_states"].requires_grad_()
    detach = attach(sd15, None, lora=lora)
    maps = recorded(sd15, given)
    detach()
    torch.stack([one[..., 0].mean() for one in maps]).sum().backward()
    assert given["encoder_hidden_states"].grad.any()
    cross = [site.index for site in find_sites(sd15) if site.kind == "cross"]
    without = [index for index in cross for pair in lora[index].values() for half in pair if not half.grad.any()]
    assert not without
    assert all(weight.grad is None for weight in sd15.parameters())


def test_maps_are_kept_until_they_are_taken(sd15, inputs):
    given, maps = inputs(sd15), AttentionMaps(sd15)
    assert maps.take() == []
    sd15(**given)
    sd15(**given)
    taken = maps.take()
    assert len(taken) == 32
    assert torch.equal(taken[0], taken[16])
    assert maps.take() == []
    sd15(**given)
    assert len(maps.take()) == 16
    maps.detach()


def test_only_the_wanted_layers_are_recorded(sd15, inputs):
    given, everything = inputs(sd15), AttentionMaps(sd15)
    some = AttentionMaps(sd15, wants=lambda site: site.block[0] == "middle")
    sd15(**given)
    [middle], whole = some.take(), everything.take()
    some.detach()
    everything.detach()
    assert torch.equal(middle, whole[6])  # after six layers on the way down


def test_what_is_kept_of_a_layer_may_be_chosen(sd15, inputs):
    given, everything = inputs(sd15), AttentionMaps(sd15)
    rows = torch.tensor([[2], [5]])
    columns = AttentionMaps(sd15, read=lambda queries, keys: attention_columns(queries, keys, rows))
    sd15(**given)
    kept, whole = columns.take(), everything.take()
    columns.detach()
    everything.detach()
    for column, one in zip(kept, whole, strict=True):
        shares = one.unflatten(0, (2, -1)).mean(1)  # (2, L, 7)
        expected = torch.stack([shares[0, :, 2], shares[1, :, 5]])[:, None]
        torch.testing.assert_close(column, expected)


@pytest.mark.parametrize(
    ("side", "expected"),
    [(64, 16), (96, 12), (16, 16), (32, 16), (8, 8), (256, 32)],  # latents of 512, 768, … pixels with SD1.5's levels
)
def test_the_level_nearest_to_a_size_is_taken(sd15, side, expected):
    wants = nearest_level(sd15, side, 16)
    paths = [site.path for site in find_sites(sd15) if site.kind == "cross" and wants(site)]
    level = round(math.log2(side / expected))
    blocks = [f"down_blocks.{level}.attentions.{place}" for place in range(2)]
    blocks += [f"up_blocks.{3 - level}.attentions.{place}" for place in range(3)]
    assert [path.split(".transformer_blocks")[0] for path in paths] == (
        blocks if level < 3 else ["mid_block.attentions.0"]
    )


def test_of_deep_transformers_every_second_block_is_taken(sdxl):
    wants = nearest_level(sdxl, 128, 16)  # of 1024 pixels; the coarsest level has 32 by 32 positions
    found = [site for site in find_sites(sdxl) if site.kind == "cross" and wants(site)]
    coarsest = [site for site in find_sites(sdxl) if site.kind == "cross" and site.path.split(".")[:2] in (
        ["down_blocks", "2"], ["up_blocks", "0"], ["mid_block", "attentions"])]  # fmt: skip
    assert [site.block[2] for site in coarsest] == [0, 1, 2] * 6
    assert found == [site for site in coarsest if site.block[2] % EVERY == 0]


def test_gradient_checkpointing_changes_no_gradient_of_the_maps(sd15, inputs):
    def gradient(unet):
        given = inputs(unet)
        text = given["encoder_hidden_states"].requires_grad_()
        maps = AttentionMaps(unet, wants=nearest_level(unet, 8, 4))
        unet(**given)
        torch.stack([one[..., 0].mean() for one in maps.take()]).sum().backward()
        again = len(maps.take())
        maps.detach()
        return text.grad, again

    checkpointed = copy.deepcopy(sd15)
    checkpointed.enable_gradient_checkpointing()
    (expected, none), (found, repeated) = gradient(sd15), gradient(checkpointed)
    assert (none, repeated > 0) == (0, True)
    assert expected.any()
    assert torch.equal(found, expected)


def test_taking_the_hooks_off_leaves_the_unet_as_it_was(unet, inputs):
    given = inputs(unet)
    before, weights = unet(**given).sample, {key: value.clone() for key, value in unet.state_dict().items()}
    maps = AttentionMaps(unet)
    assert torch.equal(unet(**given).sample, before)
    maps.take()
    maps.detach()
    maps.detach()
    assert torch.equal(unet(**given).sample, before)
    assert maps.take() == []
    assert hooks_on(unet) == []
    assert all(torch.equal(value, weights[key]) for key, value in unet.state_dict().items())


def test_others_hooks_stay(sd15, inputs):
    given = inputs(sd15)
    detach = attach(sd15, None, lora=random_lora(sd15))
    with_lora = sd15(**given).sample
    before = hooks_on(sd15)
    AttentionMaps(sd15).detach()
    assert hooks_on(sd15) == before
    assert torch.equal(sd15(**given).sample, with_lora)
    detach()


def test_another_network_is_refused():
    with pytest.raises(IncompatibleBaseModelError, match="no attention layers"):
        AttentionMaps(nn.Linear(2, 2))
