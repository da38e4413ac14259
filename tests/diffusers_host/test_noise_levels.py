"""The training schedule that SD1.5 and SDXL share."""

from __future__ import annotations

import pytest
import torch

pytest.importorskip("diffusers")

from likeness.diffusers_host.base import new_schedule
from likeness.diffusers_host.noise_levels import stable_diffusion_sigma, stable_diffusion_signal


def test_sigmas_are_those_of_stable_diffusion():
    assert stable_diffusion_sigma(999) == pytest.approx(14.6146, abs=1e-3)
    assert stable_diffusion_sigma(0) == pytest.approx(0.0292, abs=1e-4)


def test_the_signal_is_that_of_diffusers_schedule():
    kept = new_schedule("eps", zero_terminal=False).alphas_cumprod
    torch.testing.assert_close(stable_diffusion_signal().float(), kept, rtol=1e-4, atol=0)


def test_between_two_timesteps_the_logarithm_is_straight_and_outside_the_ends_count():
    low, high = stable_diffusion_sigma(400), stable_diffusion_sigma(401)
    assert stable_diffusion_sigma(400.5) == pytest.approx((low * high) ** 0.5)
    assert stable_diffusion_sigma(-3) == stable_diffusion_sigma(0)
    assert stable_diffusion_sigma(2000) == stable_diffusion_sigma(999)
