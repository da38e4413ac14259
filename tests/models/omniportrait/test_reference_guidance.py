from __future__ import annotations

import pytest
import torch
from likeness.models.omniportrait.guidance_settings import GuidanceSettings
from likeness.models.omniportrait.reference_guidance import FURTHEST, ReferenceGuidance
from likeness.models.placement.windows import ALWAYS
from likeness.models.port.guidance import FeatureCapture, NoiseLevels


def moved(levels, **settings):
    generator = torch.Generator().manual_seed(0)
    denoised, gradient, added = (torch.randn(2, 4, 6, 6, generator=generator) for _ in range(3))
    guidance = ReferenceGuidance(
        people=(), settings=GuidanceSettings(window=ALWAYS, strength=0.3, **settings), capture=FeatureCapture(1)
    )
    return guidance.correct(denoised, gradient, added, levels) - denoised, added


def test_relative_moves_by_a_share_of_what_guidance_does():
    shift, added = moved(NoiseLevels(2.0, 1.5))
    for row in (0, 1):
        assert shift[row].norm() / added[row].norm() == pytest.approx(0.3, rel=1e-4)


def test_moving_the_picture_alone_makes_good_for_the_part_that_a_step_keeps():
    eps, _ = moved(NoiseLevels(2.0, 1.5))
    x0, _ = moved(NoiseLevels(2.0, 1.5), step_mode="x0_only")
    torch.testing.assert_close(x0, 4 * eps)
    last, _ = moved(NoiseLevels(2.0, 0.0), step_mode="x0_only")
    torch.testing.assert_close(last, eps)
    tiny, _ = moved(NoiseLevels(2.0, 1.999), step_mode="x0_only")
    torch.testing.assert_close(tiny, FURTHEST * eps)
