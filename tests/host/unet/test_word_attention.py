"""What a running UNet attends to, against attention written out."""

from __future__ import annotations

import pytest
import torch
from likeness.models.port.attention import Crop, Polarity

pytestmark = pytest.mark.comfy

SIZE = (32, 24)
PIVOTS = ((0, 2), (1, 4), (1, 5))


def read(model, conds, *, rows=1, size=SIZE, patches=None):
    """The attention of one call with a chunk for each cond, and inputs and layer of everything that was read."""
    from likeness.host.unet.read_layers import layers_to_read
    from likeness.host.unet.word_attention import AttentionReader

    unet = model.model.diffusion_model
    reader = AttentionReader(unet, layers_to_read(unet, size))
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(rows * len(conds), 4, *size, generator=generator)
    text = torch.randn(rows * len(conds), 7, 24, generator=generator)
    inputs = {}

    def keep(n, context, value, extra):
        inputs[extra["block"], context.shape[1] == 7] = n, context
        return n, context, value

    options = {
        "uuids": list(range(len(conds))),
        "likeness.conds": dict(enumerate(conds)),
        "patches": reader.with_patches({"attn1_patch": [keep], "attn2_patch": [keep], **(patches or {})}),
    }
    with torch.no_grad():
        unet(x, torch.full((len(x),), 500.0), text, transformer_options=options)
    return reader.collect(), inputs


def cond(polarity=Polarity.POSITIVE, **known):
    from likeness.host.sampling.conds import CondInfo

    return CondInfo(polarity, **known)


def written_out(layer, n, context):
    """Probabilities, (B, L, S), the mean over heads."""
    query, key = (
        part.unflatten(-1, (layer.heads, -1)).transpose(1, 2) for part in (layer.to_q(n), layer.to_k(context))
    )
    return (query @ key.transpose(-1, -2) / query.shape[-1] ** 0.5).softmax(-1).mean(1)


def layers_read(model, inputs, kind, stages, positions):
    from likeness.host.unet.sites import find_sites, unet_of

    unet = unet_of(model)
    for site in find_sites(unet):
        entry = inputs.get((site.block[:2], site.kind == "cross"))
        if site.kind == kind and site.block[0] in stages and entry is not None and entry[0].shape[1] == positions:
            yield (unet.get_submodule(site.path), *entry)


def test_columns_are_the_mean_over_the_layers_of_the_coarsest_level_that_is_fine_enough(tiny_model):
    model = tiny_model()
    seen, inputs = read(model, [cond(named_rows=PIVOTS)])
    assert seen is not None
    assert set(seen.columns) == {0, 1}
    maps = [written_out(*each) for each in layers_read(model, inputs, "cross", ("input", "output"), 16 * 12)]
    assert len(maps) == 5  # two layers on the way down, three on the way up
    together = torch.stack(maps).mean(0)
    torch.testing.assert_close(seen.columns[0].flatten(1), together[..., 2], atol=1e-5, rtol=1e-4)
    torch.testing.assert_close(seen.columns[1].flatten(1), together[..., 4] + together[..., 5], atol=1e-5, rtol=1e-4)


def test_self_attention_spreads_as_its_probabilities_say(tiny_model):
    model = tiny_model()
    seen, inputs = read(model, [cond(named_rows=PIVOTS)])
    assert seen is not None
    assert seen.grid == SIZE
    values = torch.rand(1, SIZE[0] * SIZE[1], generator=torch.Generator().manual_seed(2))
    maps = [written_out(*each) for each in layers_read(model, inputs, "self", ("output",), SIZE[0] * SIZE[1])]
    assert len(maps) == len(seen.layers) == 3
    expected = (torch.stack(maps).mean(0) @ values[..., None])[..., 0]
    torch.testing.assert_close(seen.spread(values), expected, atol=1e-5, rtol=1e-4)


def test_the_prompt_that_names_people_is_found_among_the_chunks(tiny_model):
    model = tiny_model()
    others = [cond(Polarity.NEGATIVE), cond(named_rows=PIVOTS)]
    seen, inputs = read(model, others, rows=2)
    assert seen is not None
    assert seen.columns[0].shape == (2, 16, 12)
    [*_, (layer, n, context)] = layers_read(model, inputs, "cross", ("input",), 16 * 12)
    assert len(n) == 4
    assert len(written_out(layer, n, context)) == 4
    maps = [written_out(*each)[2:] for each in layers_read(model, inputs, "cross", ("input", "output"), 16 * 12)]
    torch.testing.assert_close(seen.columns[0].flatten(1), torch.stack(maps).mean(0)[..., 2], atol=1e-5, rtol=1e-4)


def test_people_whom_two_prompts_name_are_all_found_in_one_call(tiny_model):
    """Joined prompts of one side come as two chunks of a call."""
    model = tiny_model()
    both = [cond(named_rows=PIVOTS[:1]), cond(named_rows=PIVOTS[1:])]
    seen, inputs = read(model, both)
    assert seen is not None
    assert set(seen.columns) == {0, 1}
    maps = [written_out(*each) for each in layers_read(model, inputs, "cross", ("input", "output"), 16 * 12)]
    first, second = torch.stack(maps).mean(0).split(1)
    torch.testing.assert_close(seen.columns[0].flatten(1), first[..., 2], atol=1e-5, rtol=1e-4)
    torch.testing.assert_close(seen.columns[1].flatten(1), second[..., 4] + second[..., 5], atol=1e-5, rtol=1e-4)


@pytest.mark.parametrize("known", [{}, {"named_rows": PIVOTS, "crop": Crop(0, 0, 16, 24, 32, 24)}])
def test_prompts_without_people_and_parts_of_a_picture_are_not_read(tiny_model, known):
    seen, _ = read(tiny_model(), [cond(**known)])
    assert seen is None


def test_positions_that_another_pack_merges_are_not_read(tiny_model):
    def merge(n, context, value, extra):
        return n[:, ::2], context, value

    model = tiny_model()
    from likeness.host.unet.read_layers import layers_to_read
    from likeness.host.unet.word_attention import AttentionReader

    unet = model.model.diffusion_model
    reader = AttentionReader(unet, layers_to_read(unet, SIZE))
    note = reader.with_patches({})["attn2_patch"][-1]
    extra = {"uuids": [0], "likeness.conds": {0: cond(named_rows=PIVOTS)}, "block": ("output", 4), "n_heads": 4}
    layer = torch.zeros(1, 16 * 12, 64)
    note(*merge(layer, torch.zeros(1, 7, 24), None, extra), extra)
    assert reader.collect() is None
