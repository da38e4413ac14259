"""Faces in the rows of their nouns while pictures are drawn."""

from __future__ import annotations

import pytest
import torch

pytest.importorskip("diffusers")

from likeness.diffusers_host.text_encoders import encode_prompts
from likeness.miniature.recipe.steps.omniportrait import CONFIG, new_pivot
from likeness.miniature.studio.pivots import Pivots, pivots_in
from likeness.tests.miniature.small_base import base as base
from likeness.tests.miniature.small_base import hooks_on


def test_drawing_puts_people_into_their_own_rows_for_a_time(base):
    prompts = ["a man in red", "a woman in blue"]
    pivot = new_pivot(base, seed=0)
    torch.nn.init.normal_(pivot.fusion.weight)
    rows, faces = (
        torch.tensor([[2], [2]]),
        torch.randn(2, 1, CONFIG.embed_dim, generator=torch.Generator().manual_seed(0)),
    )
    plain = encode_prompts(base.text_encoders, ["", *prompts]).tokens
    before = hooks_on(base.text_encoders[0].module)  # transformers may have some of its own
    with pivots_in(base, Pivots(pivot=pivot, faces=faces, rows=rows)):
        shown = encode_prompts(base.text_encoders, ["", *prompts]).tokens
    expected = plain.clone()
    with torch.no_grad():
        for picture in range(2):
            expected[1 + picture, 2] = pivot(plain[1 + picture, 2][None], faces[picture])[0]
    torch.testing.assert_close(shown, expected)
    assert not torch.equal(shown, plain)
    assert torch.equal(encode_prompts(base.text_encoders, ["", *prompts]).tokens, plain)
    with pivots_in(base, None):
        assert torch.equal(encode_prompts(base.text_encoders, ["", *prompts]).tokens, plain)
    assert hooks_on(base.text_encoders[0].module) == before
