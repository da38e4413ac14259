"""How coarse blocks are, and where features are captured."""

from __future__ import annotations

import pytest
import torch

pytestmark = pytest.mark.comfy
pytestmark = pytest.mark.comfy


def unet_for(tiny_model, kind):
    from likeness.host.unet.sites import unet_of

    return unet_of(tiny_model(kind))


@pytest.mark.parametrize(("kind", "blocks"), [("sd15", [5, 8]), ("sdxl", [2, 5])])
def test_features_are_captured_where_the_papers_read(tiny_model, kind, blocks):
    from likeness.host.unet.levels import choose_capture

    unet = unet_for(tiny_model, kind)
    assert [choose_capture(unet, detail).block for detail in ("coarse", "fine")] == blocks


@pytest.mark.parametrize(("kind", "sides"), [("sd15", (8, 16)), ("sdxl", (8, 16))])
def test_coarse_features_have_half_of_the_latents_side_and_fine_ones_all_of_it(tiny_model, kind, sides):
    from likeness.host.unet.levels import choose_capture

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
    from likeness.host.unet.levels import halvings

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
    from likeness.host.unet.levels import grid_at, grid_of

    grid = grid_at(size, level)
    assert grid_of(told if told != grid else (), size, grid[0] * grid[1]) == grid


def test_a_block_that_another_pack_shrinks_keeps_the_pictures_shape():
    from likeness.host.unet.levels import grid_of

    assert grid_of((), (60, 90), 20 * 30) == (20, 30)


def test_halvings_round_up_as_strided_convolutions_do():
    from likeness.host.unet.levels import grid_at

    assert [grid_at((18, 10), level) for level in range(4)] == [(18, 10), (9, 5), (5, 3), (3, 2)]


def test_what_the_host_says_counts_where_it_fits():
    from likeness.host.unet.levels import grid_of

    assert grid_of((2, 32), (64, 64), 64) == (2, 32)
    assert grid_of((2, 31), (64, 64), 64) == (8, 8)


def test_positions_that_were_merged_are_told_of():
    from likeness.host.unet.levels import grid_of
    from likeness.models.errors import LikenessError

    with pytest.raises(LikenessError, match=r"61 positions, which is no grid of a 64×64 latent; remove the node"):
        grid_of((), (64, 64), 61)
