"""Finding attention layers, how coarse blocks are, and refusing models that an adapter does not fit."""

from __future__ import annotations

import pytest
import torch
from likeness.models.errors import IncompatibleBaseModelError
from torch import nn

pytestmark = pytest.mark.comfy


@pytest.mark.parametrize(("kind", "count"), [("sd15", 16), ("sdxl", 70)])
def test_all_sites_are_found_in_the_adapters_order(tiny_model, kind, count):
    from likeness.host.unet.sites import find_sites, unet_of

    sites = find_sites(unet_of(tiny_model(kind)))
    assert [site.index for site in sites] == list(range(2 * count))
    assert [site.kind for site in sites] == ["self", "cross"] * count
    stages = [site.block[0] for site in sites]
    assert stages == sorted(stages, key=("input", "output", "middle").index)
    blocks = [site.block for site in sites if site.block[0] == "input"]
    assert blocks == sorted(blocks)


def test_a_site_knows_its_layer_and_width(tiny_model):
    from likeness.host.unet.sites import find_sites, unet_of

    unet = unet_of(tiny_model())
    for site in find_sites(unet):
        layer = unet.get_submodule(site.path)
        assert layer.to_q.in_features == site.channels
        assert layer.to_k.in_features == (24 if site.kind == "cross" else site.channels)


def test_a_model_without_a_unet_is_refused_by_its_name():
    from types import SimpleNamespace

    from likeness.host.unet.sites import unet_of

    class Flux:
        diffusion_model = object()

    with pytest.raises(
        IncompatibleBaseModelError, match="This model is a Flux, which has no UNet with cross-attention"
    ):
        unet_of(SimpleNamespace(model=Flux()))


def test_an_adapter_fits_the_model_it_was_made_for_alone(tiny_model, cross_sites):
    from likeness.host.unet.sites import require_fit

    model, other = tiny_model(), tiny_model("sdxl")
    widths = {site.index: site.channels for site in cross_sites(model)}
    require_fit(model, widths, 24, name="Test")
    with pytest.raises(
        IncompatibleBaseModelError, match=r"This Test adapter fits .* 16 .* wide, this model has 70 and 24"
    ):
        require_fit(other, widths, 24, name="Test")
    with pytest.raises(IncompatibleBaseModelError, match=r"a context 768 wide \(SD1\.5\), this model has 16 and 24:"):
        require_fit(model, widths, 768, name="Test")
    with pytest.raises(IncompatibleBaseModelError):
        require_fit(model, widths | {1: 33}, 24, name="Test")


@pytest.mark.parametrize(("width", "family"), [(768, " (SD1.5)"), (2048, " (SDXL)"), (1024, " (SD2)"), (24, "")])
def test_families_are_known_by_the_width_of_their_text(width, family):
    from likeness.host.unet.sites import family_of

    assert family_of(width) == family


@pytest.mark.parametrize(("width", "size"), [(768, 512), (1024, 768), (2048, 1024), (64, 128), (24, 128), (4096, 1024)])
def test_a_unet_is_known_by_the_width_of_its_text(tiny_model, width, size):
    from likeness.host.unet.sites import find_sites, picture_size, unet_of

    unet = unet_of(tiny_model())
    for site in find_sites(unet):
        if site.kind == "cross":
            unet.get_submodule(site.path).to_k = nn.Linear(width, 4)
    assert picture_size(unet) == size


def unet_for(tiny_model, kind):
    from likeness.host.unet.sites import unet_of

    return unet_of(tiny_model(kind))


@pytest.mark.parametrize(("kind", "blocks"), [("sd15", [5, 8]), ("sdxl", [2, 5])])
def test_features_are_captured_where_the_papers_read(tiny_model, kind, blocks):
    from likeness.host.unet.sites import choose_capture

    unet = unet_for(tiny_model, kind)
    assert [choose_capture(unet, detail).block for detail in ("coarse", "fine")] == blocks


@pytest.mark.parametrize(("kind", "sides"), [("sd15", (8, 16)), ("sdxl", (8, 16))])
def test_coarse_features_have_half_of_the_latents_side_and_fine_ones_all_of_it(tiny_model, kind, sides):
    from likeness.host.unet.sites import choose_capture

    model = tiny_model(kind).model
    for detail, side in zip(("coarse", "fine"), sides, strict=True):
        kept = {}
        block = choose_capture(model.diffusion_model, detail).block
        hook = model.diffusion_model.output_blocks[block][-1].register_forward_hook(
            lambda module, args, output, kept=kept: kept.update(h=output)
        )
        with torch.no_grad():
            model.apply_model(torch.zeros(1, 4, 16, 16), torch.ones(1), c_crossattn=torch.zeros(1, 7, 24))
        hook.remove()
        assert kept["h"].shape[-2:] == (side, side)


@pytest.mark.parametrize("kind", ["sd15", "sdxl"])
def test_levels_are_those_at_which_attention_runs(tiny_model, sample, kind):
    """Against the positions that every cross-attention layer gets on a latent of 16 by 16."""
    from likeness.host.unet.sites import halvings

    model, seen = tiny_model(kind).clone(), {}

    def note(n, context, value, extra):
        seen[extra["block"]] = n.shape[1]
        return n, context, value

    model.set_model_attn2_patch(note)
    sample(model, steps=1)
    levels = halvings(unet_for(tiny_model, kind))
    assert len(seen) > 5
    assert {block: (16 >> levels[block]) ** 2 for block in seen} == seen


@pytest.mark.parametrize("told", [(), (4, 4), (7,), (2, 6, 4)])
@pytest.mark.parametrize(("size", "level"), [((64, 64), 3), ((24, 16), 1), ((18, 10), 2), ((9, 13), 0), ((97, 64), 3)])
def test_it_is_worked_out_where_the_host_says_nothing_or_something_else(size, level, told):
    from likeness.host.unet.sites import grid_at, grid_of

    grid = grid_at(size, level)
    assert grid_of(told if told != grid else (), size, grid[0] * grid[1]) == grid


def test_a_block_that_another_pack_shrinks_keeps_the_pictures_shape():
    from likeness.host.unet.sites import grid_of

    assert grid_of((), (60, 90), 20 * 30) == (20, 30)


def test_halvings_round_up_as_strided_convolutions_do():
    from likeness.host.unet.sites import grid_at

    assert [grid_at((18, 10), level) for level in range(4)] == [(18, 10), (9, 5), (5, 3), (3, 2)]


def test_what_the_host_says_counts_where_it_fits():
    from likeness.host.unet.sites import grid_of

    assert grid_of((2, 32), (64, 64), 64) == (2, 32)
    assert grid_of((2, 31), (64, 64), 64) == (8, 8)


def test_positions_that_were_merged_are_told_of():
    from likeness.host.unet.sites import grid_of
    from likeness.models.errors import LikenessError

    with pytest.raises(LikenessError, match=r"61 positions, which is no grid of a 64×64 latent; remove the node"):
        grid_of((), (64, 64), 61)


def test_a_text_encoder_of_the_other_architecture_is_refused(narrow_clip):
    from likeness.host.unet.sites import require_width

    require_width(torch.zeros(1, 77, 768), 768, name="ConsistentID")
    with pytest.raises(
        IncompatibleBaseModelError, match=r"rows 2048 wide \(SDXL\), this ConsistentID .* 768 \(SD1.5\)"
    ):
        require_width(torch.zeros(1, 77, 2048), 768, name="ConsistentID")
