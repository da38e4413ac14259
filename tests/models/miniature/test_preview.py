"""The preview's numbers fit the miniature's latents."""

from __future__ import annotations

from likeness.models.miniature.preview import BIAS, FACTORS
from likeness.models.miniature.sizes import BaseSizes


def test_every_channel_has_a_colour():
    assert len(FACTORS) == BaseSizes().latent_channels
    assert {len(row) for row in [*FACTORS, BIAS]} == {3}
    assert all(any(row) for row in FACTORS)
