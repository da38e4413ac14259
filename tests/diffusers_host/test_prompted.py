"""The UNet is asked for both sides of guidance, at once or one by one, and attached residuals are told which."""

from __future__ import annotations

import pytest
import torch

pytest.importorskip("diffusers")

from likeness.diffusers_host.attention import attach
from likeness.diffusers_host.prompted import ask_unet
from likeness.diffusers_host.text_encoders import TextCondition, encode_prompts
from likeness.models.port.attention import Polarity
from likeness.tests.diffusers_host.small_drawing import NOISE, PROMPTS, SIGMA
from likeness.tests.diffusers_host.small_drawing import base as base
from likeness.tests.diffusers_host.small_drawing import prompted as prompted
from likeness.tests.training.small_world import WIDTH, small_base

NEGATIVE, POSITIVE = Polarity.NEGATIVE, Polarity.POSITIVE


class Notes:
    """Notes what it is told at one layer, and adds nothing."""

    def __init__(self):
        self.calls = []

    def wants(self, site):
        return site.index == 1

    def __call__(self, site, call):
        self.calls.append(call)


@pytest.fixture
def notes(base, prompted):
    noted = Notes()
    detach = attach(base.unet, noted, context=prompted.context)
    yield noted
    detach()


@torch.no_grad()
def test_each_side_says_alone_what_it_says_beside_the_other(prompted):
    away, towards = prompted.both(NOISE, 500, SIGMA)
    torch.testing.assert_close(prompted.negative(NOISE, 500, SIGMA), away, atol=1e-5, rtol=0)
    torch.testing.assert_close(prompted.positive(NOISE, 500, SIGMA), towards, atol=1e-5, rtol=0)
    assert not torch.allclose(away, towards, atol=1e-3)


@torch.no_grad()
def test_a_row_is_its_picture_alone(prompted):
    whole = prompted.positive(NOISE, 500, SIGMA)
    for row in range(2):
        alone = prompted.row(row, NOISE[row : row + 1], 500, SIGMA)
        torch.testing.assert_close(alone, whole[row : row + 1], atol=1e-5, rtol=0)


def test_the_negative_side_is_the_empty_prompt(base, prompted):
    text = encode_prompts(base.text_encoders, ["", *PROMPTS]).tokens
    assert torch.equal(prompted.nothing, text[:1])
    assert torch.equal(prompted.text, text[1:])


@torch.no_grad()
def test_residuals_are_told_side_noise_level_and_picture_of_every_row(prompted, notes):
    asked = {
        "both": [(NEGATIVE, (0, 1)), (POSITIVE, (0, 1))],
        "negative": [(NEGATIVE, (0, 1))],
        "positive": [(POSITIVE, (0, 1))],
    }
    for name, expected in asked.items():
        notes.calls.clear()
        getattr(prompted, name)(NOISE, 500, SIGMA)
        assert [(call.polarity, call.samples) for call in notes.calls] == expected
        assert {call.sigma for call in notes.calls} == {SIGMA}
        assert all(call.run is prompted.context.run for call in notes.calls)


@torch.no_grad()
def test_a_row_alone_keeps_its_number_and_leaves_nothing_in_the_run(prompted, notes):
    prompted.row(1, NOISE[1:], 500, SIGMA)
    [call] = notes.calls
    assert (call.polarity, call.samples) == (POSITIVE, (1,))
    assert call.run is not prompted.context.run
    assert (prompted.context.first, prompted.context.sigma) == (0, 0.0)


def test_sdxl_is_told_the_pooled_text_and_the_sizes():
    base, seen = small_base("sdxl"), []
    base.unet.register_forward_pre_hook(lambda unet, args, given: seen.append(given), with_kwargs=True)
    generator = torch.Generator().manual_seed(0)
    text = TextCondition(
        tokens=torch.randn(2, 7, WIDTH, generator=generator), pooled=torch.randn(2, 16, generator=generator)
    )
    sizes = torch.tensor([[96, 64, 0, 0, 96, 64]]).expand(2, -1)
    with torch.no_grad():
        said = ask_unet(base, torch.randn(2, 4, 12, 8), torch.tensor([500, 500]), text, sizes)
    assert said.shape == (2, 4, 12, 8)
    [given] = seen
    assert given["added_cond_kwargs"]["time_ids"].tolist() == sizes.tolist()
    assert torch.equal(given["added_cond_kwargs"]["text_embeds"], text.pooled)
