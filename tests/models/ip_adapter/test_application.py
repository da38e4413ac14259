"""Pictures as a prompt at one attention layer: strength, window, mask, and a factor for every layer."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from likeness.models.adapters.decoupled_cross_attention import KeyValueProjection
from likeness.models.ip_adapter.application import PictureResidual, WeightedByLayer
from likeness.models.placement.windows import SigmaWindow
from likeness.models.port.attention import AttentionSite, Polarity, Run
from torch import nn
from torch.nn.functional import scaled_dot_product_attention

SITE = AttentionSite(kind="cross", block=("input", 1, 0), index=1, channels=8, path="")
OTHER = AttentionSite(kind="cross", block=("input", 2, 0), index=3, channels=8, path="")
SELF = AttentionSite(kind="self", block=("input", 1, 0), index=0, channels=8, path="")


@pytest.fixture
def residual():
    torch.manual_seed(0)
    layers = nn.ModuleDict({"1": KeyValueProjection(5, 8), "3": KeyValueProjection(5, 8)}).requires_grad_(False)
    return PictureResidual(layers, torch.randn(1, 4, 5), torch.randn(1, 4, 5), strength=1.0)


@pytest.fixture
def asked(call):
    generator = torch.Generator().manual_seed(1)
    return replace(call((2, 3), (0, 1)), query=torch.randn(2, 6, 8, generator=generator))


def attention(query, layer, tokens):
    """What the paper's second attention gives, written out."""
    heads = 2
    keys, values = layer(tokens)
    q, k, v = (x.unflatten(-1, (heads, -1)).transpose(1, 2) for x in (query, keys, values))
    return (
        scaled_dot_product_attention(q, k.expand(len(q), -1, -1, -1), v.expand(len(q), -1, -1, -1))
        .transpose(1, 2)
        .flatten(2)
    )


@pytest.mark.parametrize("strength", [1.0, 0.4, -0.5])
@pytest.mark.parametrize("polarity", [Polarity.POSITIVE, Polarity.MIDDLE, Polarity.NEGATIVE])
def test_it_is_attention_with_a_softmax_of_its_own(residual, asked, strength, polarity):
    found = replace(residual, strength=strength)(SITE, replace(asked, polarity=polarity))
    tokens = residual.null_tokens if polarity is Polarity.NEGATIVE else residual.tokens
    torch.testing.assert_close(found, strength * attention(asked.query, residual.attention["1"], tokens))


def test_strength_0_and_a_closed_window_add_nothing(residual, asked):
    assert replace(residual, strength=0.0)(SITE, asked) is None
    late = replace(residual, window=SigmaWindow(start=0.5))
    assert late(SITE, asked) is None
    assert late(SITE, replace(asked, sigma=0.5)) is not None


def test_each_picture_of_a_batch_has_its_own_mask(residual, asked):
    masks = torch.zeros(2, 4, 6)
    masks[0, :, :2], masks[1, 2:] = 1, 1
    whole, masked = (
        residual(SITE, asked),
        replace(residual, mask=masks, resize="nearest")(SITE, replace(asked, run=Run())),
    )
    left = torch.tensor([1.0, 0, 0, 1, 0, 0])
    below = torch.tensor([0.0, 0, 0, 1, 1, 1])
    torch.testing.assert_close(masked, whole * torch.stack([left, below])[..., None])


def test_keys_and_values_may_be_scaled_instead(residual, asked):
    plain, louder = (
        residual(SITE, asked),
        replace(residual, scaling=lambda keys, values: (keys, 3 * values))(SITE, asked),
    )
    torch.testing.assert_close(louder, 3 * plain)
    sharper = replace(residual, scaling=lambda keys, values: (3 * keys, values))(SITE, asked)
    assert not torch.allclose(sharper, plain)


def test_only_cross_attention_that_the_adapter_knows_is_wanted(residual):
    unknown = replace(SITE, index=5)
    assert [residual.wants(site) for site in (SITE, OTHER, SELF, unknown)] == [True, True, False, False]


def test_a_layer_s_factor_is_on_what_is_added_and_0_leaves_it_alone(residual, asked):
    weighted = WeightedByLayer(residual, {1: 0.25, 3: 0.0})
    assert [weighted.wants(site) for site in (SITE, OTHER, SELF)] == [True, False, False]
    torch.testing.assert_close(weighted(SITE, asked), 0.25 * residual(SITE, asked))
    assert torch.equal(WeightedByLayer(residual, {})(OTHER, asked), residual(OTHER, asked))
    assert WeightedByLayer(replace(residual, strength=0.0), {1: 2.0})(SITE, asked) is None
