"""Section A6 of the derivation in float64: the sign, the equality with DDIM, and velocity prediction."""

from __future__ import annotations

import math

import pytest
import torch
from likeness.models.errors import InvalidSettingError
from likeness.models.omniportrait.correspondence import similarity
from likeness.models.omniportrait.rb_guidance import correction, energy, relative_strength

STRENGTH = 3.0
SIGMA, NEXT = 1.9, 1.4


def keep(sigma):
    """√ᾱ of a VE noise level."""
    return 1 / math.sqrt(1 + sigma**2)


@pytest.fixture
def world():
    """A latent in VE coordinates, a toy network's eps, and the gradient of a toy energy in x."""
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(1, 4, 6, 6, dtype=torch.float64, generator=generator) * math.sqrt(1 + SIGMA**2)
    kernel = torch.randn(4, 4, 3, 3, dtype=torch.float64, generator=generator) * 0.3
    target = torch.randn(9, 4, dtype=torch.float64, generator=generator)

    def eps_of(z):
        return torch.nn.functional.conv2d(z, kernel, padding=1).tanh()

    def energy_of(x, sigma):
        features = eps_of(x * keep(sigma)).flatten(2)[0].T[:9]
        alike = (torch.nn.functional.cosine_similarity(features, target, dim=-1) + 1) / 2
        return 1 / (1 + alike.mean())

    x.requires_grad_(True)
    [gradient] = torch.autograd.grad(energy_of(x, SIGMA), x)
    return x.detach(), eps_of, energy_of, gradient


def test_a_guided_euler_step_is_a_ddim_step_with_the_gradient_added_to_eps(world):
    x, eps_of, _, gradient = world
    z, eps = x * keep(SIGMA), eps_of(x * keep(SIGMA))
    gradient_in_z = gradient * math.sqrt(1 + SIGMA**2)
    eps = eps + STRENGTH * gradient_in_z
    noise = math.sqrt(1 - keep(SIGMA) ** 2)
    clean = (z - noise * eps) / keep(SIGMA)
    ddim = keep(NEXT) * clean + math.sqrt(1 - keep(NEXT) ** 2) * eps

    guided = correction(x - SIGMA * eps_of(z), gradient, SIGMA, strength=STRENGTH)
    euler = x + (NEXT - SIGMA) * (x - guided) / SIGMA
    assert (euler * keep(NEXT) - ddim).abs().max() < 1e-14


def test_it_is_the_same_for_velocity(world):
    x, eps_of, _, gradient = world
    z, eps = x * keep(SIGMA), eps_of(x * keep(SIGMA))
    velocity = (eps - math.sqrt(1 - keep(SIGMA) ** 2) * z) / keep(SIGMA)
    guided_velocity = velocity + STRENGTH * math.sqrt(1 + SIGMA**2) * gradient * math.sqrt(1 + SIGMA**2)
    root = math.sqrt(1 + SIGMA**2)
    denoised, guided = (x / root**2 - SIGMA * v / root for v in (velocity, guided_velocity))
    assert (denoised - (x - SIGMA * eps)).abs().max() < 1e-14
    assert (correction(denoised, gradient, SIGMA, strength=STRENGTH) - guided).abs().max() < 1e-14


def test_a_guided_step_ends_with_less_energy_and_a_step_the_other_way_with_more(world):
    x, eps_of, energy_of, gradient = world
    denoised = x - SIGMA * eps_of(x * keep(SIGMA))

    def after(strength):
        moved = correction(denoised, gradient, SIGMA, strength=strength)
        return float(energy_of(x + (NEXT - SIGMA) * (x - moved) / SIGMA, NEXT))

    assert after(STRENGTH) < after(0.0) < after(-STRENGTH)


def test_the_noise_level_may_be_a_tensor(world):
    x, _, _, gradient = world
    sigma = torch.tensor([SIGMA], dtype=torch.float64).view(1, 1, 1, 1)
    torch.testing.assert_close(
        correction(x, gradient, sigma, strength=2.0), correction(x, gradient, SIGMA, strength=2.0)
    )


def test_energy_is_the_equation():
    generator = torch.Generator().manual_seed(0)
    reference, generated = (torch.randn(7, 5, generator=generator) for _ in range(2))
    alike = similarity(reference, generated)
    torch.testing.assert_close(energy(reference, generated), 1 / (1 + alike.mean()))
    torch.testing.assert_close(energy(reference, generated, reduction="sum"), 1 / (1 + alike.sum()))
    assert energy(reference, reference) == 0.5
    with pytest.raises(InvalidSettingError, match="larger mask"):
        energy(reference[:0], generated[:0])


@pytest.mark.parametrize("size", [4, 400])
def test_the_mean_does_not_depend_on_the_size_of_the_face(size):
    reference, generated = torch.randn(2, 4, 5, generator=torch.Generator().manual_seed(0)).repeat(1, size // 4, 1)
    small = torch.randn(2, 4, 5, generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(energy(reference, generated), energy(*small))


def test_the_relative_strength_moves_each_row_by_a_share_of_its_guidance():
    gradient, guidance = torch.zeros(2, 2, 4, 4), torch.full((2, 2, 4, 4), 9.0)
    gradient[0, ..., :2], gradient[1, ..., :1] = 0.01, -0.3
    guidance[0, ..., :2], guidance[1, ..., :1] = -0.5, 0.2
    strength = relative_strength(gradient, guidance, SIGMA, share=0.2)
    moved = correction(torch.zeros_like(gradient), gradient, SIGMA, strength=strength)
    torch.testing.assert_close(moved[0, ..., :2], torch.full((2, 4, 2), -0.2 * 0.5))
    torch.testing.assert_close(moved[1, ..., :1], torch.full((2, 4, 1), 0.2 * 0.2))
    assert not moved[0, ..., 2:].any()
    assert not moved[1, ..., 1:].any()


def test_without_classifier_free_guidance_it_moves_by_a_share_of_the_noise():
    gradient = torch.zeros(1, 2, 4, 4)
    gradient[..., 1] = 0.01
    strength = relative_strength(gradient, None, SIGMA, share=0.2)
    moved = correction(torch.zeros_like(gradient), gradient, SIGMA, strength=strength)
    torch.testing.assert_close(moved[..., 1], torch.full((1, 2, 4), -0.2 * SIGMA))
    assert relative_strength(torch.zeros(1, 2, 4, 4), gradient, SIGMA, share=0.2).tolist() == [[[[0.0]]]]


def test_weights_are_counted_as_if_features_came_more_often():
    reference, generated = torch.randn(2, 3, 8, generator=torch.Generator().manual_seed(11), dtype=torch.float64)
    often = [0, 0, 0, 1, 2, 2]
    weights = torch.tensor([3.0, 1.0, 2.0])
    for reduction in ("mean", "sum"):
        torch.testing.assert_close(
            energy(reference, generated, reduction=reduction, weights=weights),
            energy(reference[often], generated[often], reduction=reduction),
        )
