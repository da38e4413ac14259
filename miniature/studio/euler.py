"""Euler's method in ComfyUI's coordinates, for a base that predicts velocity."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from ...diffusers_host.noise_levels import timesteps, zero_snr_sigmas
from ...models.port.guidance import NoiseLevels

Predict = Callable[[Tensor, int, float], Tensor]
Correct = Callable[[Tensor, NoiseLevels], Tensor]


@torch.no_grad()
def sample_euler(predict: Predict, noise: Tensor, steps: int, correct: Correct | None = None) -> Tensor:
    """Return latents from noise, rounded at every step as ComfyUI rounds: its first noise level is above 4000.

    Args:
        predict: what the UNet says, guidance included, from latents scaled for it, the timestep and its noise level.
        noise: standard normal, (B, C, h, w).
        steps: of the scheduler "simple".
        correct: what is done to the denoised latent of a step; None leaves it.

    Returns:
        As the UNet takes them, (B, C, h, w).

    Reference: arXiv:2206.00364, algorithm 2 without churn; velocity as in arXiv:2202.00512, appendix D.
    """
    places = timesteps(steps)
    levels = torch.cat((zero_snr_sigmas()[places], torch.zeros(1))).to(noise)[:, None, None, None, None]
    x = noise * torch.sqrt(1 + levels[0] ** 2)
    for place, sigma, following in zip(places, levels[:-1], levels[1:], strict=True):
        size = sigma**2 + 1
        velocity = predict(x / size**0.5, place, float(sigma))
        denoised = x / size - velocity * sigma / size**0.5
        if correct is not None:
            denoised = correct(denoised, NoiseLevels(float(sigma), float(following)))
        x = x + (x - denoised) / sigma * (following - sigma)
    return x
