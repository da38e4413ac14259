"""Noise levels: against diffusers', and those of a schedule that ends in pure noise against ComfyUI's own."""

from __future__ import annotations

import pytest
import torch

pytest.importorskip("diffusers")

from likeness.diffusers_host.base import new_schedule
from likeness.diffusers_host.noise_levels import (
    cpu_noise,
    level_at,
    nearest_timestep,
    share_behind,
    stable_diffusion_sigma,
    stable_diffusion_signal,
    timesteps,
    zero_snr_sigmas,
)
from likeness.tests.diffusers_host.comfy_sampling import sampling as sampling


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


def test_noise_levels_are_those_of_the_training_and_the_last_is_finite():
    kept = new_schedule("v", zero_terminal=True).alphas_cumprod.double()
    sigmas = zero_snr_sigmas().double()
    torch.testing.assert_close(sigmas[:-1], ((1 - kept[:-1]) / kept[:-1]).sqrt(), rtol=1e-3, atol=0)
    assert 4000 < sigmas[-1] < 5000


def test_timesteps_begin_with_pure_noise_and_are_evenly_spaced():
    assert timesteps(4) == [999, 749, 499, 249]
    assert timesteps(3) == [999, 666, 333]
    assert timesteps(1000) == list(range(999, -1, -1))


def test_shares_of_the_schedule_and_levels_are_inverse():
    for timestep in (1, 254, 500, 998):
        sigma = float(zero_snr_sigmas()[timestep])
        assert nearest_timestep(sigma) == timestep
        assert level_at(share_behind(sigma)) == pytest.approx(sigma, rel=1e-4)
    levels = [level_at(share) for share in (0, 0.01, 0.3, 0.7, 0.99, 1)]
    assert levels == sorted(levels, reverse=True)
    assert levels[-1] == 0


@pytest.mark.comfy
def test_noise_levels_are_comfyuis(sampling):
    torch.testing.assert_close(zero_snr_sigmas(), sampling.sigmas, rtol=1e-6, atol=0)


@pytest.mark.comfy
def test_shares_of_the_schedule_are_comfyuis(sampling):
    for share in (-0.1, 0, 0.0004, 0.1, 0.329, 0.77, 0.9996, 1):
        assert level_at(share) == pytest.approx(sampling.percent_to_sigma(share), rel=1e-5)
    for sigma in (0.05, 0.57, 2.28, 20.0, 4000.0):
        assert nearest_timestep(sigma) == int(sampling.timestep(torch.tensor([sigma]))[0])


@pytest.mark.comfy
def test_timesteps_are_those_of_comfyuis_scheduler_for_any_number_of_steps(sampling):
    from comfy.samplers import simple_scheduler

    for steps in range(1, 101):
        expected = sampling.timestep(simple_scheduler(sampling, steps)[:-1]).tolist()
        assert timesteps(steps) == expected, steps


def test_noise_is_that_of_the_seed():
    one = cpu_noise(5, (1, 4, 8, 8))
    assert torch.equal(one, torch.randn(1, 4, 8, 8, generator=torch.Generator().manual_seed(5)))
    assert not torch.equal(one, cpu_noise(6, (1, 4, 8, 8)))
