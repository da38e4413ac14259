"""ConsistentID's prompt on diffusers: which rows change, into what, and from which step on."""

from __future__ import annotations

import pytest
import torch
from likeness.diffusers_host.base import load_base
from likeness.diffusers_host.text_encoders import encode_prompts
from likeness.evaluation.hosts.diffusers.consistentid.text import FacialText
from likeness.evaluation.hosts.diffusers.method import Asked
from likeness.models.clip import text_ids
from likeness.models.consistentid.corrected import Corrected
from likeness.models.consistentid.facial_regions import FacialRegion, FacialRegions
from likeness.models.consistentid.pipelines import SD15, SDXL
from likeness.models.consistentid.published import Published
from likeness.training.consistentid.networks import new_networks

ASKED = Asked(prompt="a man on the beach", negative="blue", steps=5)


@pytest.fixture(scope="module", params=["sd15", "sdxl"])
def world(request, models, sdxl_models):
    """Base, pipeline, facial encoder and two regions."""
    folder, pipeline = (models, SD15) if request.param == "sd15" else (sdxl_models, SDXL)
    base = load_base(folder / "base.safetensors")
    encoder = new_networks(base.unet, vector=3, image=8, rank=2, seed=0, depth=1).facial_encoder
    width = encoder.width
    generator = torch.Generator().manual_seed(0)
    seen = (
        FacialRegion(name=name, vector=torch.randn(1, width, generator=generator))
        for name in ("Face", "Left_Eye", "Nose")
    )
    return base, pipeline, encoder, FacialRegions(tuple(seen))


def text_of(world, flavour, merge_step=2, regions=None):
    base, pipeline, encoder, own = world
    made = FacialText(
        encoders=base.text_encoders,
        facial_encoder=encoder,
        flavour=flavour(pipeline),
        null_region=lambda: torch.zeros(1, encoder.width),
        merge_step=merge_step,
    )
    return made.of(ASKED, own if regions is None else regions)


def rows_that_differ(one, other):
    return (one != other).any(-1).nonzero()[:, 0].tolist()


def test_corrected_regions_go_into_their_own_words_alone(world):
    base, _, _, _ = world
    text = text_of(world, Corrected)
    prompt = Corrected(world[1]).assemble(ASKED.prompt, _caption(world)).text.replace(" <|facial|>", "")
    plain = encode_prompts(base.text_encoders, ["blue", prompt])
    late = text(2)
    words = text_ids(prompt)
    places = [1 + words.index(text_ids(noun)[0]) for noun in ("face", "nose", "eyes")]
    assert rows_that_differ(late.tokens[1], plain.tokens[1]) == sorted(places)
    torch.testing.assert_close(late.tokens[0], plain.tokens[0])  # the negative text stays as it is
    if plain.pooled is not None:
        torch.testing.assert_close(late.pooled, plain.pooled)


def _caption(world):
    from likeness.models.consistentid.marked_text import Caption

    return Caption(None, world[3].names)


@pytest.mark.parametrize(("flavour", "first"), [(Published, 3), (Corrected, 2)])
def test_the_step_from_which_regions_are_read(world, flavour, first):
    text = text_of(world, flavour)
    steps = [text(step) for step in range(ASKED.steps)]
    merged = [torch.equal(step.tokens, steps[-1].tokens) for step in steps]
    assert merged == [step >= first for step in range(ASKED.steps)]
    assert all(torch.equal(step.tokens[0], steps[-1].tokens[0]) for step in steps)


def test_the_published_negative_reads_empty_pictures_at_the_words_of_the_positive(world):
    base = world[0]
    text = text_of(world, Published)(4)
    negative = encode_prompts(base.text_encoders, ["blue"]).tokens[0]
    assert len(rows_that_differ(text.tokens[0], negative)) == 3


@pytest.mark.parametrize("flavour", [Published, Corrected])
def test_without_regions_nothing_is_fused(world, flavour):
    base = world[0]
    text = text_of(world, flavour, regions=FacialRegions())(4)
    negative = encode_prompts(base.text_encoders, ["blue"]).tokens[0]
    torch.testing.assert_close(text.tokens[0], negative)
