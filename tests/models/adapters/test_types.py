"""Half precision: what every residual adds in float16 and bfloat16, against the same numbers in float32."""

from __future__ import annotations

import math
import re
from dataclasses import replace

import pytest
import torch
from likeness.models.adapters.decoupled_cross_attention import KeyValueProjection
from likeness.models.adapters.identity_attention import Acting, IdentityResidual
from likeness.models.consistentid.application import ConsistentIDResidual
from likeness.models.facestudio.application import RegionalContexts
from likeness.models.facestudio.places import MaskedRegions
from likeness.models.ip_adapter.application import PictureResidual, WeightedByLayer
from likeness.models.ip_adapter.combination import scale
from likeness.models.placement.placements import Everywhere, Masks, combine
from likeness.models.port.attention import AttentionCall, AttentionSite, Polarity, Run, TextRows
from likeness.models.uniportrait.application import Routed
from likeness.models.uniportrait.id_routing import IDRouter
from torch import nn
from torch.nn.functional import scaled_dot_product_attention

SITE = AttentionSite(kind="cross", block=("input", 1, 0), index=1, channels=320, path="")
CHANNELS, HEADS, WIDTH, TOKENS, GRID = 320, 8, 768, 16, (16, 16)
HALF = (torch.float16, torch.bfloat16)
# Times the type's eps, of the largest value that is added.
MOST, MOST_SOFTLY_ROUTED = 2.5, 4.0
CLEAR = 2.0  # times eps of the largest difference between people: where rounding may not turn a choice


def random(*shape, seed=0, size=1.0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed)) * size


def columns(count, edge=0.0, gap=0):
    """Masks of people side by side, with soft edges, the last columns free."""
    masks, width = torch.zeros(count, 1, *GRID), (GRID[1] - gap) // count
    for person in range(count):
        masks[person, ..., person * width : (person + 1) * width] = 1
        if person:
            masks[person, ..., person * width] = 1 - edge
            masks[person - 1, ..., person * width] = edge
    return tuple(masks)


def attention(kept):
    torch.manual_seed(1)
    layer = KeyValueProjection(WIDTH, CHANNELS)
    nn.init.normal_(layer.to_k.weight, std=1.5 / WIDTH**0.5)
    nn.init.normal_(layer.to_v.weight, std=1 / WIDTH**0.5)
    return nn.ModuleDict({"1": layer}).requires_grad_(False).to(kept)


def acting(count):
    return tuple(Acting(name=str(each), strength=0.7) for each in range(count))


def people(count, placement, kept):
    return IdentityResidual(
        attention(kept),
        random(count, TOKENS, WIDTH, seed=2),
        random(1, TOKENS, WIDTH, seed=3),
        acting(count),
        placement,
    )


def new_routed(count, kept, *, is_soft=False, size=1.0):
    torch.manual_seed(4)
    router = IDRouter(channels=CHANNELS, hidden_position=2 * CHANNELS, hidden_identity=1536, tokens=TOKENS, width=WIDTH)
    for parameter in router.parameters():
        if parameter.ndim == 2:
            nn.init.normal_(parameter, std=size / parameter.shape[1] ** 0.5)
    routers = nn.ModuleDict({"1": router}).requires_grad_(False).to(kept)
    return Routed(routers, random(count, TOKENS, WIDTH, seed=2), is_soft)


def picture(kept, **settings):
    return PictureResidual(
        attention=attention(kept),
        tokens=random(1, 4, WIDTH, seed=5),
        null_tokens=random(1, 4, WIDTH, seed=6),
        strength=0.6,
        **settings,
    )


def words(count, placement, kept):
    return ConsistentIDResidual(people(count, placement, kept))


def contexts(masks, mode):
    return RegionalContexts(acting(len(masks)), MaskedRegions(masks, mode))


RESIDUALS = {
    "UniPortrait, 1": lambda kept: people(1, new_routed(1, kept), kept),
    "UniPortrait, 2 routed": lambda kept: people(2, new_routed(2, kept), kept),
    "UniPortrait, 4 routed": lambda kept: people(4, new_routed(4, kept), kept),
    "UniPortrait, 2 softly routed": lambda kept: people(2, new_routed(2, kept, is_soft=True), kept),
    "UniPortrait, 2 in masks": lambda kept: people(2, Masks(columns(2, gap=4)), kept),
    "UniPortrait, 4 in soft masks": lambda kept: people(4, Masks(columns(4, edge=0.3, gap=4)), kept),
    "UniPortrait, 1 in a mask and 2 softly routed": lambda kept: people(
        3, combine((columns(2, edge=0.3)[0], None, None), new_routed(2, kept, is_soft=True)), kept
    ),
    "3 people everywhere": lambda kept: people(3, Everywhere(3), kept),
    "IP-Adapter": picture,
    "IP-Adapter in a soft mask": lambda kept: picture(kept, mask=columns(2, edge=0.3)[0]),
    "IP-Adapter, keys scaled": lambda kept: picture(kept, scaling=lambda k, v: scale(k, v, 0.7, "K+V")),
    "IP-Adapter, weighted layer": lambda kept: WeightedByLayer(picture(kept), {1: 0.3}),
    "ConsistentID, 1": lambda kept: words(1, Everywhere(1), kept),
    "ConsistentID, 2 in masks": lambda kept: words(2, Masks(columns(2)), kept),
    "ConsistentID, 2 in soft masks": lambda kept: words(2, Masks(columns(2, edge=0.3, gap=4)), kept),
    "FaceStudio, 2 hard": lambda kept: contexts(columns(2, gap=4), "hard"),
    "FaceStudio, 2 soft": lambda kept: contexts(columns(2, edge=0.3, gap=4), "soft"),
}


def asked(name, polarity, dtype, is_base=True):
    """A layer's call with a text of people's rows; scores reach about 10."""
    count = next((int(number) for number in re.findall(r"\d", name)), 1)
    query = random(2, math.prod(GRID), CHANNELS, seed=7, size=2.0).to(dtype)
    owners = tuple(owner for owner in range(-1, count) for _ in range(7))
    keys, values = (random(2, len(owners), CHANNELS, seed=seed).to(dtype) for seed in (8, 9))
    split = [part.unflatten(-1, (HEADS, -1)).transpose(1, 2) for part in (query, keys, values)]
    base = scaled_dot_product_attention(*split).transpose(1, 2).flatten(2)
    return AttentionCall(
        hidden=random(2, math.prod(GRID), CHANNELS, seed=10).to(dtype),
        query=query,
        base=base if is_base else None,
        heads=HEADS,
        grid=GRID,
        polarity=polarity,
        samples=(0, 1),
        sigma=1.0,
        crop=None,
        run=Run(),
        text=TextRows(keys, values, owners),
    )


def exact(call):
    """The same numbers in float32."""
    text = call.text
    return replace(
        call,
        hidden=call.hidden.float(),
        query=call.query.float(),
        base=None if call.base is None else call.base.float(),
        text=TextRows(text.keys.float(), text.values.float(), text.owners),
        run=Run(),
    )


@pytest.mark.parametrize("polarity", [Polarity.POSITIVE, Polarity.NEGATIVE])
@pytest.mark.parametrize("dtype", [torch.float32, *HALF], ids=str)
@pytest.mark.parametrize("kept", [torch.float32, torch.float16], ids=str)
@pytest.mark.parametrize("name", RESIDUALS)
def test_what_is_added_is_of_the_querys_type_and_within_its_error(name, kept, dtype, polarity):
    residual = RESIDUALS[name](kept)
    most = MOST_SOFTLY_ROUTED if "softly" in name else MOST
    for is_base in (True, False):
        call = asked(name, polarity, dtype, is_base)
        found, wanted = residual(SITE, call), residual(SITE, exact(call))
        if wanted is None:
            assert found is None
            continue
        assert found.dtype == dtype
        error = (found.float() - wanted).abs().max() / wanted.abs().max()  # false for what is not finite
        assert error <= most * torch.finfo(dtype).eps


@pytest.mark.parametrize("dtype", HALF, ids=str)
@pytest.mark.parametrize("size", [1.0, 10.0])
def test_routers_choose_as_in_float32(dtype, size):
    """With large weights too, whose logits exceed float16's range."""
    call = asked("UniPortrait, 4 routed", Polarity.POSITIVE, dtype)
    routed = new_routed(4, torch.float32, size=size)
    logits = routed.routers["1"].logits(call.hidden.float(), routed.tokens[None])
    assert (logits.abs().max() > torch.finfo(torch.float16).max) == (size > 1)
    first, second = logits.topk(2, dim=-1).values.unbind(-1)
    is_clear = first - second > CLEAR * torch.finfo(dtype).eps * (logits - logits.mean(-1, keepdim=True)).abs().max()
    assert is_clear.float().mean() > 0.9
    choice = routed.standing(SITE, call).choice
    assert torch.equal(choice[is_clear], logits.argmax(-1)[is_clear])


@pytest.mark.parametrize("dtype", [torch.float32, *HALF], ids=str)
def test_soft_routing_is_the_softmax_of_the_routers_logits(dtype):
    call = asked("UniPortrait, 4 softly routed", Polarity.POSITIVE, dtype)
    routed = new_routed(4, torch.float32, is_soft=True)
    expected = routed.routers["1"].logits(call.hidden.float(), routed.tokens[None]).softmax(-1)
    found = routed.standing(SITE, call).weights
    assert found.dtype == dtype
    most = 1e-5 if dtype == torch.float32 else 4 * torch.finfo(dtype).eps
    torch.testing.assert_close(found.float(), expected, atol=most, rtol=0)
