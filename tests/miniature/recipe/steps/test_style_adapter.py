"""The miniature's plain IP-Adapter reads styles in place of faces."""

from __future__ import annotations

import pytest
import torch

pytest.importorskip("diffusers")

from likeness.miniature.recipe.latents import caption_tokens, encode_tokens
from likeness.miniature.recipe.steps.style_adapter import TOKENS, CaptionedStyles, new_style_adapter
from likeness.miniature.recipe.styles.people import StylePool
from likeness.tests.miniature.small_base import SIZES
from likeness.tests.miniature.small_base import base as base
from likeness.training.batches.draws import Draws
from likeness.training.ip_adapter.networks import faceid_weights


@pytest.fixture(scope="module")
def pool():
    torch.manual_seed(0)
    return StylePool(
        latents=torch.randn(4, SIZES.latent_channels, 8, 8),
        tokens=caption_tokens([f"a man {number}" for number in range(4)]),
        styles=torch.zeros(4, dtype=torch.int64),
        style=torch.randn(4, 6),
        face=torch.randn(4, 5),
        weights=torch.ones(4, 1, 8, 8).half(),
    )


def test_a_batch_has_captions_and_styles(pool, base):
    draws = Draws(3, (5, 6, 7))
    rows = draws.integers("picture", 4)
    batch = CaptionedStyles(pool).batch(base, draws)
    assert torch.equal(batch.vectors, pool.style[rows])
    torch.testing.assert_close(batch.text, encode_tokens(base, pool.tokens[rows]))
    torch.testing.assert_close(batch.empty, encode_tokens(base, caption_tokens([""])))


def test_it_has_the_published_form_of_a_plain_adapter(pool, base):
    networks = new_style_adapter(base, pool, seed=0)
    assert networks.projection(pool.style).shape == (4, TOKENS, SIZES.text)
    weights = faceid_weights(networks)
    assert set(weights["image_proj"]) == {"proj.weight", "proj.bias", "norm.weight", "norm.bias"}
    assert {key.split(".")[1] for key in weights["ip_adapter"]} == {"to_k_ip", "to_v_ip"}
    other = new_style_adapter(base, pool, seed=1)
    assert not torch.equal(networks.projection.proj.weight, other.projection.proj.weight)
