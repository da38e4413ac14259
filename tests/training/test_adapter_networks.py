"""What adapters of several papers add to attention layers: LoRA, and keys and values that begin as the text's."""

from __future__ import annotations

import pytest
import torch

pytest.importorskip("diffusers")

from likeness.diffusers_host.attention import attach, find_sites
from likeness.models.errors import InvalidSettingError
from likeness.tests.training.small_world import small_base
from likeness.training.adapter_networks import (
    LoRALayers,
    lora_of,
    lora_shapes,
    lora_weights,
    new_attention,
    require_rank,
)


@pytest.fixture(scope="module")
def unet():
    return small_base().unet


def new_lora(unet, rank=2, seed=0):
    torch.manual_seed(seed)
    return LoRALayers(lora_shapes(unet, find_sites(unet)), rank)


def test_every_projection_of_every_layer_has_a_branch_of_its_size(unet):
    shapes = lora_shapes(unet, find_sites(unet))
    assert set(shapes) == {site.index for site in find_sites(unet)}
    site = next(site for site in find_sites(unet) if site.kind == "cross")
    assert shapes[site.index] == {
        "q": (site.channels, site.channels), "k": (site.channels, 24), "v": (site.channels, 24),
        "out": (site.channels, site.channels),
    }  # fmt: skip
    for index, projections in new_lora(unet, rank=3).pairs().items():
        for projection, (down, up) in projections.items():
            outputs, inputs = shapes[index][projection]
            assert (down.shape, up.shape) == ((3, inputs), (outputs, 3))


@torch.no_grad()
def test_a_new_lora_changes_nothing_until_it_has_learned(unet):
    def draw():
        return unet(torch.ones(1, 4, 8, 8), torch.tensor(500), torch.ones(1, 7, 24)).sample

    plain, lora = draw(), new_lora(unet)
    detach = attach(unet, None, lora=lora.pairs())
    assert torch.equal(draw(), plain)
    _, up = lora.pairs()[1]["v"]
    up.add_(1)  # training changes the matrices in place
    assert not torch.allclose(draw(), plain)
    detach()


def test_a_files_lora_is_taken_over_with_its_rank_as_float32(unet):
    shapes, first = lora_shapes(unet, find_sites(unet)), new_lora(unet, rank=3)
    halves = {
        index: {part: (down.half(), up.half()) for part, (down, up) in parts.items()}
        for index, parts in first.pairs().items()
    }
    again = lora_of(halves, shapes)
    assert again.rank == 3
    assert all(
        torch.equal(mine, theirs.half().float())
        for mine, theirs in zip(again.parameters(), first.parameters(), strict=True)
    )


def one_lacks(pairs):
    del pairs[1]["v"]


def one_is_of_another_rank(pairs):
    down, up = pairs[1]["v"]
    pairs[1]["v"] = down[:1], up[:, :1]


def one_is_of_another_width(pairs):
    down, up = pairs[1]["v"]
    pairs[1]["v"] = down[:, 1:], up


def one_is_of_no_layer(pairs):
    pairs[99] = pairs[0]


@pytest.mark.parametrize(
    "spoil", [one_lacks, one_is_of_another_rank, one_is_of_another_width, one_is_of_no_layer, dict.clear]
)
def test_a_files_lora_that_is_not_of_the_trained_layers_is_refused(unet, spoil):
    pairs = new_lora(unet).pairs()
    spoil(pairs)
    with pytest.raises(
        InvalidSettingError, match="several ranks, or is not of the attention matrices that get one here"
    ):
        lora_of(pairs, lora_shapes(unet, find_sites(unet)))


def test_a_rank_is_the_files_or_not_given(unet):
    lora = new_lora(unet, rank=3)
    require_rank(None, lora, "a.bin")
    require_rank(3, lora, "a.bin")
    with pytest.raises(InvalidSettingError, match=r'rank is 4, but the LoRA of "a.bin" has 3; remove rank or name'):
        require_rank(4, lora, "a.bin")


def test_a_lora_takes_over_another_ones_values(unet):
    first, second = new_lora(unet), new_lora(unet, seed=1)
    assert not torch.equal(first.pairs()[0]["q"][0], second.pairs()[0]["q"][0])
    first.fill(second.pairs())
    assert all(map(torch.equal, first.parameters(), second.parameters()))
    with torch.no_grad():
        next(second.parameters()).add_(1)
    assert not all(map(torch.equal, first.parameters(), second.parameters()))


def test_keys_begin_with_the_number_of_the_layer_as_published(unet):
    weights = lora_weights(new_lora(unet))
    assert {
        f"{index}.to_{name}_lora.{half}.weight" for index in (0, 1) for name in ("q", "out") for half in ("up", "down")
    } <= set(weights)
    assert not any(tensor.requires_grad for tensor in weights.values())


def test_keys_and_values_begin_as_the_unets_own_for_text(unet):
    attention = new_attention(unet)
    cross = [site for site in find_sites(unet) if site.kind == "cross"]
    assert set(attention) == {str(site.index) for site in cross}
    for site in cross:
        layer = unet.get_submodule(site.path)
        own = attention[str(site.index)]
        assert torch.equal(own.to_k.weight, layer.to_k.weight)
        assert torch.equal(own.to_v.weight, layer.to_v.weight)
        assert own.to_k.weight.requires_grad
        assert own.to_k.weight is not layer.to_k.weight
