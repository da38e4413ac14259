"""Attention couples that repeat rows of the batch and keep that to themselves."""

from __future__ import annotations

import pytest
import torch
from likeness.models.errors import LikenessError
from likeness.models.port.attention import Polarity

pytestmark = pytest.mark.comfy

ROWS = "rows of the couple"


def coupled(model, text, *, tells=False, first=False):
    """A clone of a MODEL whose positive rows run twice in every layer, with their own text and with another one.

    Args:
        tells: whether ComfyUI's list of rows is changed with them.
        first: whether the other text comes before its own.
    """

    def widen(n, keys, values, extra):
        kinds = list(extra["cond_or_uncond"])
        parts, extra[ROWS] = [[], [], []], []
        for kind, *own in zip(kinds, *(each.chunk(len(kinds)) for each in (n, keys, values)), strict=True):
            other = text.to(own[1]).expand(len(own[1]), -1, -1)
            both = [own, (own[0], other, other)]
            for given in (both[::-1] if first else both) if kind == 0 else both[:1]:
                extra[ROWS].append(kind)
                for place, tensor in enumerate(given):
                    parts[place].append(tensor)
        if tells:
            extra["cond_or_uncond"][:] = extra[ROWS]
        return tuple(torch.cat(part) for part in parts)

    def narrow(n, extra):
        kinds, rows = extra[ROWS], n.chunk(len(extra[ROWS]))
        if tells:
            extra["cond_or_uncond"][:] = list(dict.fromkeys(kinds))
        both = {kind: [row for row, own in zip(rows, kinds, strict=True) if own == kind] for kind in kinds}
        return torch.cat([torch.stack(parts).mean(0) for parts in both.values()])

    copy = model.clone()
    copy.set_model_attn2_patch(widen)
    copy.set_model_attn2_output_patch(narrow)
    return copy


@pytest.fixture(scope="module")
def base(tiny_model):
    return tiny_model()


@pytest.fixture(scope="module")
def other(conditioning):
    return conditioning(12)[0][0]


def attach(model, *residuals):
    from likeness.host.unet.attention import inject

    return inject(model, residuals, name="test")


@pytest.mark.parametrize("batch", [1, 2])
def test_a_silent_couple_gives_what_one_gives_that_tells(base, people, sample, other, batch):
    person, settings = people(base), {"steps": 1, "batch": batch}
    expected = sample(coupled(attach(base, person), other, tells=True), **settings)
    for silent in (coupled(attach(base, person), other), attach(coupled(base, other), person)):
        torch.testing.assert_close(sample(silent, **settings), expected, atol=1e-3, rtol=1e-3)
    assert (expected - sample(coupled(base, other), **settings)).abs().max() > 0.5


def test_people_stay_away_from_the_negative_rows_of_a_couple(base, sample, other):
    seen = []

    class Spy:
        def wants(self, site):
            return True

        def __call__(self, site, call):
            seen.append((call.polarity, len(call.query)))

    sample(attach(coupled(base, other), Spy()), steps=1)
    assert seen == [(Polarity.NEGATIVE, 1), (Polarity.POSITIVE, 2)] * 16


def test_a_couple_inside_a_layer_whose_slot_another_pack_holds(base, people, sample, other):
    """The residual is added behind the layer, where the couple has already put its rows together."""
    from comfy.ldm.modules.attention import optimized_attention
    from likeness.host.unet.sites import find_sites, unet_of

    def held(model):
        for site in find_sites(unet_of(model)):
            if site.kind == "cross":
                model.set_model_attn2_replace(
                    lambda q, k, v, extra: optimized_attention(q, k, v, extra["n_heads"]), *site.block
                )
        return model

    person = people(base)
    expected = sample(attach(coupled(base, other), person), steps=1)
    torch.testing.assert_close(
        sample(held(attach(coupled(base, other), person)), steps=1), expected, atol=1e-2, rtol=1e-2
    )


def test_a_couple_of_which_nothing_tells_is_named(base, people, sample, other):
    """In the first layer all rows are alike, and with the other text in front it could be of either prompt."""
    with pytest.raises(LikenessError, match=r"attention couple \(.*test_couples\), changed .* from 2 to 3 rows "):
        sample(coupled(attach(base, people(base)), other, first=True), steps=1)


def find(hidden, context, texts):
    from likeness.host.unet.couples import LayerRows, find_copies

    rows = LayerRows(torch.tensor(hidden).float()[:, None, None], torch.tensor(context).float()[:, None, None])
    found = find_copies(rows, [torch.tensor(text).float()[:, None, None] for text in texts])
    return None if found is None else [(copy.place, copy.has_own_text) for copy in found]


@pytest.mark.parametrize(
    ("hidden", "context", "copies"),
    [
        ([1, 2, 2], [10, 20, 9], [(0, True), (1, True), (1, False)]),
        ([1, 2, 2], [10, 8, 9], [(0, True), (1, False), (1, False)]),  # every text of the second chunk is another one
        ([2, 1, 2], [20, 10, 9], [(1, True), (0, True), (1, False)]),  # in another order
        ([1, 1, 1], [10, 20, 9], [(0, True), (1, True), (1, False)]),  # the first layer
        ([1, 1, 1], [10, 9, 20], None),  # of either
        ([1, 2, 3], [10, 20, 9], None),  # another input than any chunk's
        ([1, 1, 1], [10, 10, 9], [(0, True), (0, True), (1, False)]),
    ],
)
def test_copies_are_told_by_their_input_and_their_text(hidden, context, copies):
    assert find(hidden, context, [[10], [20]]) == copies


def test_chunks_of_several_pictures_stay_whole():
    assert find([1, 1, 2, 3, 2, 3], [10, 10, 20, 20, 9, 9], [[10, 10], [20, 20]]) == [(0, True), (1, True), (1, False)]
    assert find([1, 1, 2], [10, 10, 20], [[10, 10], [20, 20]]) is None  # no whole chunks
