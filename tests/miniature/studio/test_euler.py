"""Euler's method: against a case with a known solution, and against ComfyUI's own."""

from __future__ import annotations

from itertools import pairwise

import pytest
import torch

pytest.importorskip("diffusers")

from likeness.diffusers_host.noise_levels import cpu_noise, timesteps, zero_snr_sigmas
from likeness.miniature.studio.euler import sample_euler
from likeness.tests.diffusers_host.comfy_sampling import sampling as sampling

SHAPE = (2, 4, 6, 6)


class Gaussian:
    """The velocity of latents that are normal with some spread, and everything it was asked."""

    def __init__(self, spread):
        self.spread, self.asked = spread, []

    def __call__(self, latents, timestep, sigma):
        self.asked.append((latents, timestep, sigma))
        size = (1 + sigma**2) ** 0.5
        denoised = self.spread**2 / (self.spread**2 + sigma**2) * latents * size
        return (latents / size - denoised) * size / sigma


@pytest.mark.parametrize("spread", [0.3, 1.0, 2.0])
def test_a_gaussian_is_drawn_as_wide_as_it_is(spread):
    """Along the exact path a latent keeps its place: noise times the spread."""
    noise = cpu_noise(0, SHAPE)
    errors = [(sample_euler(Gaussian(spread), noise, steps) - spread * noise).abs().max() for steps in (20, 100, 500)]
    assert errors[0] > errors[1] > errors[2]
    assert errors[2] < 0.1 * spread


def test_the_network_sees_latents_of_spread_one_and_what_noise_they_have():
    asked = Gaussian(1.0)
    sample_euler(asked, cpu_noise(0, (1, 4, 64, 64)), 20)
    assert [timestep for _, timestep, _ in asked.asked] == timesteps(20)
    assert [sigma for _, _, sigma in asked.asked] == zero_snr_sigmas()[timesteps(20)].tolist()
    assert all(0.9 < latents.std() < 1.1 for latents, _, _ in asked.asked)


def test_what_is_corrected_is_what_a_picture_will_be():
    """With a perfect denoiser every step's denoised latent is the mean; correcting it to anything ends there."""
    target, seen = torch.full(SHAPE, 0.7), []

    def correct(denoised, levels):
        seen.append((levels.current, levels.following))
        return target

    found = sample_euler(Gaussian(1.0), cpu_noise(0, SHAPE), 5, correct)
    torch.testing.assert_close(found, target)
    levels = [*zero_snr_sigmas()[timesteps(5)].tolist(), 0.0]
    assert seen == list(pairwise(levels))


def test_correcting_nothing_changes_no_bit():
    noise = cpu_noise(0, SHAPE)
    plain = sample_euler(Gaussian(0.5), noise, 7)
    assert torch.equal(sample_euler(Gaussian(0.5), noise, 7, lambda denoised, levels: denoised), plain)


def test_noise_is_a_function_of_the_seed_and_leaves_the_global_state_alone():
    torch.manual_seed(3)
    expected = torch.rand(2)
    torch.manual_seed(3)
    first, same, other = (cpu_noise(seed, SHAPE) for seed in (5, 5, 6))
    assert torch.equal(torch.rand(2), expected)
    assert torch.equal(first, same)
    assert not torch.equal(first, other)


@pytest.mark.comfy
def test_noise_is_comfyuis():
    from comfy.sample import prepare_noise

    shape = (1, 16, 16, 16)
    assert torch.equal(cpu_noise(77, shape), prepare_noise(torch.zeros(shape), 77))


@pytest.mark.comfy
@pytest.mark.parametrize("steps", [1, 2, 3, 7, 20, 38])
def test_latents_are_those_of_comfyuis_euler(sampling, steps):
    from comfy.k_diffusion.sampling import sample_euler as comfyuis_euler
    from comfy.samplers import simple_scheduler

    def predict(latents, timestep, sigma):
        return torch.tanh(3 * latents) * (0.2 + timestep / 1000) + latents.flip(-1) / (1 + sigma)

    def denoise(x, sigma):
        said = predict(sampling.calculate_input(sigma, x), float(sampling.timestep(sigma)[0]), float(sigma[0]))
        return sampling.calculate_denoised(sigma, said, x)

    sigmas = simple_scheduler(sampling, steps)
    noise = cpu_noise(1, SHAPE)
    begin = sampling.noise_scaling(sigmas[0], noise, torch.zeros(SHAPE), max_denoise=True)
    expected = comfyuis_euler(denoise, begin, sigmas, disable=True)
    torch.testing.assert_close(sample_euler(predict, noise, steps), expected, atol=1e-6, rtol=0)
