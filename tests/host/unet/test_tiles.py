"""Several tiles in one call: people act on their own rows and places, however many tiles share a call."""

from __future__ import annotations

import pytest
import torch
from likeness.models.errors import LikenessError
from likeness.models.placement.placements import Masks
from likeness.models.port.attention import Crop, Polarity

pytestmark = pytest.mark.comfy

SIZE = (16, 32)  # of the latent; a tile is a half of it


def tiled(model, together, *, by_cond=False, change=lambda x: x):
    """A node around the UNet that cuts the latent into two tiles and puts some of them into one call.

    The rows of a call are tile after tile, each with both prompts; with `by_cond` prompt after prompt, each with the tiles.
    """

    def run(apply_model, args):
        x, timestep, others = args["input"], args["timestep"], args["c"]
        width = x.shape[-1] // 2
        places, result, conds = [slice(0, width), slice(width, None)], torch.zeros_like(x), len(args["cond_or_uncond"])
        for first in range(0, len(places), together):
            some = places[first : first + together]
            rows = torch.arange(len(x) * len(some)).view(len(some), conds, -1)
            order = (rows.transpose(0, 1) if by_cond else rows).flatten()
            repeated = {
                name: torch.cat([value] * len(some))[order] if isinstance(value, torch.Tensor) else value
                for name, value in others.items()
            }
            cut = torch.cat([x[..., place] for place in some])[order]
            out = apply_model(change(cut), torch.cat([timestep] * len(some))[order], **repeated)
            for place, part in zip(some, out[order.argsort()].chunk(len(some)), strict=True):
                result[..., place] = part
        return result

    copy = model.clone()
    copy.set_model_unet_function_wrapper(run)
    return copy


@pytest.fixture(scope="module")
def base(tiny_model):
    return tiny_model()


def attach(model, *residuals):
    from likeness.host.unet.attention import inject

    return inject(model, residuals, name="test")


def masks():
    """Two pictures' masks of two people, which lie across the tiles."""
    first = torch.zeros(2, *SIZE)
    first[0, :, :8] = first[1, :, 8:24] = 1
    return first, 1 - first


@pytest.mark.parametrize("by_cond", [False, True])
@pytest.mark.parametrize("batch", [1, 2])
@pytest.mark.parametrize("text", ["different", "alike"])
def test_it_does_not_matter_how_many_tiles_share_a_call(base, people, sample, conditioning, by_cond, batch, text):
    person = attach(base, people(base, 2, placement=Masks(masks())))
    settings = {"size": SIZE, "batch": batch, "steps": 1}
    if text == "alike":
        settings |= {"positive": conditioning(10), "negative": conditioning(10)}
    alone, both = (sample(tiled(person, together, by_cond=by_cond), **settings) for together in (1, 2))
    torch.testing.assert_close(both, alone, atol=1e-3, rtol=1e-3)
    nobody = sample(tiled(base, 1), **settings)
    assert (alone - nobody).abs().max() > 0.5


def test_a_tile_shows_its_part_of_every_mask(base, sample):
    """A router does not need to know where a tile lies, a mask does: both pictures of the batch, both tiles."""
    seen = set()

    class Spy:
        def wants(self, site):
            return site.index == 1

        def __call__(self, site, call):
            seen.add((call.polarity, call.crop, call.samples))

    sample(tiled(attach(base, Spy()), 2), size=SIZE, batch=2, steps=1)
    crops = [Crop(0, left, 16, 16, 16, 32) for left in (0, 16)]
    assert seen == {(side, crop, (0, 1)) for side in (Polarity.NEGATIVE, Polarity.POSITIVE) for crop in crops}


@pytest.mark.parametrize("batch", [1, 2])
def test_rows_of_which_nothing_tells_whose_they_are_stop_the_run(base, people, sample, conditioning, batch):
    """Tiles that are no part of the pictures any more: of one picture the texts still tell the sides, if they differ."""
    mixed = tiled(attach(base, people(base)), 2, change=lambda x: x.flip(-1))
    settings = {"size": SIZE, "batch": batch, "steps": 1, "positive": conditioning(10)}
    with pytest.raises(
        LikenessError, match=f"{4 * batch} rows at once where {2 * batch} were .*set the tile batch size"
    ):
        sample(mixed, **settings, negative=conditioning(10))
    if batch == 1:
        sample(mixed, **settings, negative=conditioning(11))


def step_of(x, **texts):
    from types import SimpleNamespace

    from likeness.host.unet.tiles import StepLatents

    sampling = SimpleNamespace(calculate_input=lambda sigma, noisy: noisy / 2)
    return {"likeness.step": StepLatents(x, torch.ones(len(x)), sampling, texts), "uuids": list(texts)}


def find(x, context, options, *polarities):
    from likeness.host.sampling.conds import CondInfo
    from likeness.host.unet.tiles import find_rows

    return find_rows(x, context, options, [CondInfo(polarity) for polarity in polarities])


def test_rows_are_found_by_their_latents_and_their_text():
    generator = torch.Generator().manual_seed(0)
    x, positive, negative = (torch.randn(2, *shape, generator=generator) for shape in ((4, 6, 8), (3, 5), (3, 5)))
    options = step_of(x, positive=positive[:1], negative=negative)  # one prompt for all pictures, and one for each
    given = torch.stack([x[1, :, 1:4, 2:6], x[0, :, 3:6, 4:8], x[1, :, 1:4, 2:6]]).half() / 2
    context = torch.cat([positive[:1], negative[1:], negative[:1]]).repeat(1, 2, 1)
    found = find(given, context, options, Polarity.POSITIVE, Polarity.NEGATIVE)
    assert found is not None
    assert [(row.cond.polarity.name, row.picture) for row in found] == [
        ("POSITIVE", 1),
        ("NEGATIVE", 0),
        ("NEGATIVE", 1),
    ]
    assert [row.cond.crop for row in found] == [Crop(1, 2, 3, 4, 6, 8), Crop(3, 4, 3, 4, 6, 8), Crop(1, 2, 3, 4, 6, 8)]


def test_what_comfyui_itself_makes_is_not_looked_up():
    x = torch.zeros(2, 4, 6, 8)  # nothing could be found in it
    assert find(torch.cat([x, x]), None, step_of(x, a=x, b=x), Polarity.POSITIVE, Polarity.NEGATIVE) is None
    assert find(torch.cat([x, x]), None, {}, Polarity.POSITIVE) is None  # a caller that is no sampler


def test_as_many_rows_of_another_size_stand_in_comfyuis_order():
    """A node that makes all latents smaller on their way to the UNet."""
    x = torch.randn(2, 4, 6, 8, generator=torch.Generator().manual_seed(0))
    assert (
        find(x[..., ::2].repeat(2, 1, 1, 1), None, step_of(x, a=x, b=x), Polarity.POSITIVE, Polarity.NEGATIVE) is None
    )
