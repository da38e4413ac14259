"""Noise levels of the miniature as ComfyUI counts them: σ = √((1 − ᾱ) / ᾱ), the last one finite."""

from __future__ import annotations

import functools
import math

import torch
from torch import Tensor

from .noise_levels import stable_diffusion_signal

PURE = 999_999_999.9  # what ComfyUI's nodes say for pure noise
LAST = 4.8973451890853435e-08  # ᾱ of the last timestep, which ComfyUI puts in place of zero


@functools.cache
def zero_snr_sigmas() -> Tensor:
    """The levels of the 1000 training timesteps, float32.

    Reference: arXiv:2305.08891, algorithm 1, on the schedule of SD1.5.
    """
    root = stable_diffusion_signal().sqrt()
    root = (root - root[-1]) * root[0] / (root[0] - root[-1])
    kept = root**2
    kept[-1] = LAST
    return ((1 - kept) / kept).sqrt().float()


def timesteps(steps: int) -> list[int]:
    """The timesteps of ComfyUI's scheduler "simple", noisiest first."""
    every, last = len(zero_snr_sigmas()) / steps, len(zero_snr_sigmas()) - 1
    return [last - int(place * every) for place in range(steps)]  # rounded as there


def level_at(percent: float) -> float:
    """The noise level at which a share of the timesteps is behind, as ComfyUI's nodes count it: 0 is pure noise, 1 none."""
    if percent <= 0:
        return PURE
    if percent >= 1:
        return 0.0
    place = torch.tensor((1 - percent) * (len(zero_snr_sigmas()) - 1))
    low, high = zero_snr_sigmas()[[int(place.floor()), int(place.ceil())]].log()
    return float(torch.lerp(low, high, place.frac()).exp())


def share_behind(sigma: float) -> float:
    """The inverse of `level_at` at the level of the nearest timestep."""
    return 1 - nearest_timestep(sigma) / (len(zero_snr_sigmas()) - 1)


def nearest_timestep(sigma: float) -> int:
    """The timestep that ComfyUI tells the UNet at a noise level."""
    return int((zero_snr_sigmas().log() - math.log(sigma)).abs().argmin())
