"""New ConsistentID networks: their file is the published one, and they begin by changing little."""

from __future__ import annotations

import pytest
import torch

pytest.importorskip("diffusers")

from likeness.diffusers_host.attention import attach, find_sites
from likeness.models.consistentid.checkpoint import load
from likeness.models.weights.state_dict import flatten
from likeness.tools.weights.layouts.adapters import CLIP_WIDTH, consistentid_facial_encoder, consistentid_projection
from likeness.training.consistentid.networks import consistentid_weights, new_networks
from torch import nn

VECTOR, IMAGE, RANK = 6, 10, 3
HEAD = 8  # of both resamplers: the widest up to 64 that divides the context's 24


def networks_for(unet, **settings):
    return new_networks(unet, **{"vector": VECTOR, "image": IMAGE, "rank": RANK, "seed": 1, "depth": 1, **settings})


def trained(networks):
    """The same networks with other weights everywhere."""
    generator = torch.Generator().manual_seed(2)
    parts = (networks.id_projection, networks.facial_encoder, networks.attention, networks.lora)
    with torch.no_grad():
        for parameter in (each for part in parts for each in part.parameters()):
            parameter.copy_(torch.randn(parameter.shape, generator=generator))
    return networks


def assert_same(mine, theirs):
    assert mine.keys() == theirs.keys()
    assert [key for key in mine if not torch.equal(mine[key], theirs[key])] == []


@pytest.mark.parametrize("is_flat", [True, False])
def test_what_was_trained_loads_as_a_published_file(unet, is_flat):
    networks = trained(networks_for(unet, depth=2))
    weights = consistentid_weights(networks)
    adapter = load(flatten(weights) if is_flat else weights, dim_head=HEAD)
    for name in ("id_projection", "facial_encoder", "attention"):
        assert_same(getattr(adapter, name).state_dict(), getattr(networks, name).state_dict())
    expected = networks.lora.pairs()
    assert adapter.lora.keys() == expected.keys()
    for index, pairs in expected.items():
        assert adapter.lora[index].keys() == pairs.keys() == {"q", "k", "v", "out"}
        for projection, pair in pairs.items():
            assert all(
                torch.equal(one, other) for one, other in zip(adapter.lora[index][projection], pair, strict=True)
            )
    assert adapter.widths == {site.index: site.channels for site in find_sites(unet) if site.kind == "cross"}
    assert adapter.context_dim == 24


def test_what_is_loaded_encodes_as_what_was_trained(sd15):
    networks = trained(networks_for(sd15, depth=2))
    adapter = load(consistentid_weights(networks), dim_head=HEAD)
    generator = torch.Generator().manual_seed(0)
    vectors, photo = torch.randn(2, VECTOR, generator=generator), torch.randn(2, 5, IMAGE, generator=generator)
    with torch.no_grad():
        ours, theirs = (
            (one.id_projection(vectors, photo, shortcut=False, s_scale=1.0), one.facial_encoder.regions(photo[None]))
            for one in (networks, adapter)
        )
    assert torch.equal(ours[0], theirs[0])
    assert torch.equal(ours[1], theirs[1])


def test_sizes_are_those_of_the_base_and_of_the_faces(sd15):
    networks = networks_for(sd15, depth=2)
    assert networks.id_projection.num_tokens == 4
    assert networks.id_projection.vector_width == VECTOR
    assert networks.id_projection.image_width == networks.facial_encoder.image_width == IMAGE
    assert networks.id_projection.width == networks.facial_encoder.width == 24
    resamplers = (networks.id_projection.perceiver_resampler, networks.facial_encoder.visual_projection)
    assert [len(resampler.layers) for resampler in resamplers] == [2, 2]
    assert len(networks.attention) == 16
    assert {down.shape[0] for pairs in networks.lora.pairs().values() for down, _ in pairs.values()} == {RANK}


def test_as_deep_and_wide_as_published_unless_asked(sd15):
    with torch.device("meta"):
        networks = new_networks(sd15, vector=512, image=CLIP_WIDTH, rank=RANK, seed=0)
    for part, published in (
        (networks.id_projection, consistentid_projection(24)),
        (networks.facial_encoder, consistentid_facial_encoder(24)),
    ):
        assert {key: tuple(tensor.shape) for key, tensor in part.state_dict().items()} == published
    assert networks.facial_encoder.visual_projection.latents.shape == (1, 1, 1024)


def test_attention_begins_as_the_unets_own_for_text(unet):
    networks = networks_for(unet)
    for site in find_sites(unet):
        if site.kind == "cross":
            mine, theirs = networks.attention[str(site.index)], unet.get_submodule(site.path)
            assert torch.equal(mine.to_k.weight, theirs.to_k.weight)
            assert torch.equal(mine.to_v.weight, theirs.to_v.weight)
            assert mine.to_k.weight is not theirs.to_k.weight


def test_the_lora_begins_without_effect(unet, inputs):
    given, pairs = inputs(unet), networks_for(unet).lora.pairs()
    assert all(down.any() for projections in pairs.values() for down, _ in projections.values())
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
    first, same, other = (flatten(consistentid_weights(networks_for(sd15, seed=seed))) for seed in (1, 1, 2))
    assert torch.equal(torch.rand(3), expected)
    assert_same(first, same)
    drawn = [key for key in first if first[key].ndim > 1 and not key.endswith(("_ip.weight", ".up.weight"))]
    assert [key for key in drawn if torch.equal(first[key], other[key])] == []
    assert first["FacialEncoder.visual_projection.latents"].abs().max() > 0


def test_a_file_of_weights_asks_for_no_gradients(sd15):
    assert not any(tensor.requires_grad for tensor in flatten(consistentid_weights(networks_for(sd15))).values())
