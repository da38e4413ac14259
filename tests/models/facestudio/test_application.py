"""Masked multi-identity attention at one layer (Eq. 2)."""

import math
from dataclasses import replace

import pytest
import torch
from einops import rearrange
from likeness.models.adapters.identity_attention import Acting
from likeness.models.facestudio.application import RegionalContexts
from likeness.models.facestudio.background import BACKGROUNDS, Lent
from likeness.models.facestudio.places import MaskedRegions
from likeness.models.placement.standing import Standing
from likeness.models.placement.windows import SigmaWindow
from likeness.models.port.attention import AttentionSite, Polarity, TextRows

SITE = AttentionSite(kind="cross", block=("input", 1, 0), index=1, channels=8, path="")
GRID, CHANNELS, HEADS, TOKENS = (4, 6), 16, 2, 3


def attention(query, keys, values):
    split = [rearrange(part, "b l (h d) -> b h l d", h=HEADS) for part in (query, keys, values)]
    scores = split[0] @ split[1].transpose(-1, -2) / math.sqrt(CHANNELS // HEADS)
    return rearrange(scores.softmax(-1) @ split[2], "b h l d -> b l (h d)")


@pytest.fixture
def asked(call):
    def build(people, rows=2, times=1):
        generator = torch.Generator().manual_seed(people)
        owners = tuple(owner for owner in range(-1, people) for _ in range(TOKENS))
        query = torch.randn(rows, math.prod(GRID), CHANNELS, generator=generator)
        keys, values = (
            torch.randn(rows, len(owners), CHANNELS, generator=generator).repeat(1, times, 1) for _ in range(2)
        )
        empty = call(GRID, samples=tuple(range(rows)))
        return replace(
            empty,
            hidden=query,
            query=query,
            heads=HEADS,
            base=attention(query, keys, values),
            text=TextRows(keys, values, owners * times),
        )

    return build


def residual(masks, mode="hard", windows=None):
    windows = windows or [SigmaWindow()] * len(masks)
    people = tuple(Acting(name=f"{number}", strength=1.0, window=each) for number, each in enumerate(windows))
    return RegionalContexts(people, MaskedRegions(tuple(masks), mode))


def thirds(people):
    masks = torch.zeros(people, 1, *GRID)
    for person in range(people):
        masks[person, ..., 2 * person : 2 * person + 2] = 1
    return masks


def of(text, owner):
    rows = [row for row, each in enumerate(text.owners) if each == owner]
    return text.keys[:, rows], text.values[:, rows]


@pytest.mark.parametrize("people", [1, 2])
@pytest.mark.parametrize("times", [1, 2])
def test_each_region_is_what_it_would_be_with_its_own_context_alone(asked, people, times):
    call, masks = asked(people, times=times), thirds(people)
    got = call.base + residual(masks)(SITE, call)
    owner = torch.full(GRID, -1)
    for person in range(people):
        owner[:, 2 * person : 2 * person + 2] = person
    for each in range(-1, people):
        alone = attention(call.query, *of(call.text, each))
        where = (owner == each).flatten()
        torch.testing.assert_close(got[:, where], alone[:, where], rtol=0, atol=1e-6)


@pytest.mark.parametrize("background", BACKGROUNDS)
def test_one_attention_with_a_mask_is_an_attention_of_each(asked, background):
    """In the first call of a run, where the mask is made, in the next, and where the base is not known."""
    call, people = asked(2), 2
    one = RegionalContexts(
        residual(thirds(people)).people, Lent(MaskedRegions(tuple(thirds(people))), people, background)
    )
    first, again = (one(SITE, call) for _ in range(2))
    open_form = one(SITE, replace(call, base=None))
    assert torch.equal(first, again)
    torch.testing.assert_close(first, open_form, rtol=0, atol=1e-5)
    kept = [key for key in call.run.memo if isinstance(key[0], Standing)]
    assert len(kept) == (background != "mean")  # which is shared by all, so that each has a softmax of its own


def test_soft_regions_share(asked):
    call, masks = asked(2), torch.full((2, 1, *GRID), 0.25)
    got = call.base + residual(masks, "soft")(SITE, call)
    parts = {each: attention(call.query, *of(call.text, each)) for each in (-1, 0, 1)}
    torch.testing.assert_close(got, 0.5 * parts[-1] + 0.25 * parts[0] + 0.25 * parts[1])


def test_where_the_layer_is_held_by_others_the_difference_is_the_same(asked):
    call = asked(2)
    added = residual(thirds(2))
    torch.testing.assert_close(added(SITE, call), added(SITE, replace(call, base=None)))


def test_outside_of_their_window_places_are_the_backgrounds(asked):
    call, masks = asked(2), thirds(2)
    late = residual(masks, windows=[SigmaWindow(start=0.5), SigmaWindow()])
    got = call.base + late(SITE, call)  # at noise level 1
    alone = attention(call.query, *of(call.text, -1)).unflatten(1, GRID)
    torch.testing.assert_close(got.unflatten(1, GRID)[:, :, :2], alone[:, :, :2], rtol=0, atol=1e-6)


def test_the_negative_side_and_plain_texts_are_left_alone(asked):
    call = asked(1)
    assert residual(thirds(1))(SITE, replace(call, polarity=Polarity.NEGATIVE)) is None
    assert residual(thirds(1))(SITE, replace(call, text=None)) is None


def test_places_are_recorded(asked):
    class Recorder:
        seen = None

        def record(self, names, call, weights, site=None):
            self.seen = (names, weights.shape)

    call = asked(2)
    call.run.recorder = Recorder()
    residual(thirds(2))(SITE, call)
    assert call.run.recorder.seen == (("0", "1"), (2, math.prod(GRID), 2))
