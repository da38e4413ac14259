"""How large tokens begin: measured on the base's texts and on styles."""

from __future__ import annotations

import pytest
import torch

pytest.importorskip("diffusers")

from likeness.diffusers_host.base import load_base
from likeness.diffusers_host.text_encoders import encode_prompts
from likeness.tests.diffusers_host.small_checkpoints import small_checkpoint
from likeness.training.facestudio.start import PROMPTS, root_mean_square_length, text_spread


@pytest.mark.parametrize("family", ["sd15", "sdxl"])
def test_the_spread_is_that_of_what_the_unet_reads(family):
    base = load_base(small_checkpoint(family))
    expected = encode_prompts(base.text_encoders, list(PROMPTS)).tokens.std().item()
    assert text_spread(base.text_encoders) == pytest.approx(expected)
    assert text_spread(base.text_encoders, ["a"]) != pytest.approx(expected, rel=1e-6)


def test_the_length_is_the_root_of_the_mean_square():
    assert root_mean_square_length(torch.tensor([[3.0, 4.0], [0.0, 1.0]])) == pytest.approx(13**0.5)
