"""Faster arithmetic changes how training computes, not what it is given or leaves behind."""

from __future__ import annotations

import pytest
import torch

pytest.importorskip("diffusers")

from diffusers.models.attention_processor import AttnProcessor, AttnProcessor2_0
from likeness.miniature.networks.untrained import new_base
from likeness.miniature.recipe import arithmetic
from likeness.miniature.recipe.arithmetic import mixed_precision, plain_attention
from likeness.tests.miniature.small_base import SIZES


def test_plain_attention_is_the_same_function_and_is_taken_off_again():
    unet = new_base(SIZES, seed=1).unet.requires_grad_(False)
    given = torch.randn(2, 4, 8, 8), torch.tensor([3, 700]), torch.randn(2, 77, 16)
    usual = unet(*given).sample
    with plain_attention(unet):
        assert {type(each) for each in unet.attn_processors.values()} == {AttnProcessor}
        torch.testing.assert_close(unet(*given).sample, usual, atol=1e-5, rtol=1e-5)
    assert {type(each) for each in unet.attn_processors.values()} == {AttnProcessor2_0}


@pytest.mark.parametrize(("fast", "dtype"), [(True, torch.bfloat16), (False, torch.float32)])
def test_products_are_halved_only_where_that_is_faster(fast, dtype, monkeypatch):
    monkeypatch.setattr(arithmetic, "has_fast_bfloat16", lambda: fast)
    with mixed_precision():
        assert (torch.ones(2, 2) @ torch.ones(2, 2)).dtype == dtype
        assert torch.ones(2, 2).sum().dtype == torch.float32
