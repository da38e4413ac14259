"""Image encoders by what an adapter reads of them."""

from __future__ import annotations

import pytest
from likeness.models.clip.needs import ENCODERS, PICTURES, PRIOR_BIGG, PRIOR_VITL, TEXTS, VIT_BIGG, VIT_H, VIT_L
from likeness.models.clip.towers import PUBLISHED, TransformerSizes
from likeness.models.ip_adapter.checkpoint import ENCODERS as READ


def test_they_are_those_that_ip_adapter_s_loader_tells():
    assert {read: ENCODERS.get(read) for read in READ} == READ


def test_openai_s_towers_have_these_widths():
    for name in ("ViT-L-14", "ViT-B-32"):
        sizes = PUBLISHED[name]
        assert isinstance(sizes, TransformerSizes)
        assert ENCODERS["tokens", sizes.width] == name.rpartition("-")[0]
    assert ENCODERS["pooled", PUBLISHED["ViT-L-14"].outputs] == VIT_L


@pytest.mark.parametrize("encoder", [VIT_H, VIT_BIGG])
def test_each_that_an_adapter_may_ask_for_is_published(encoder):
    assert [file for file in PICTURES.published if file.encoder == encoder]


def test_priors_say_whose_space_they_give():
    assert (PRIOR_BIGG.encoder, PRIOR_VITL.encoder) == (VIT_BIGG, VIT_L)
    assert TEXTS.optional
