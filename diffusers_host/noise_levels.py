"""Noise levels of the training schedule that SD1.5 and SDXL share, and of the miniature, whose last one is pure noise, as ComfyUI counts them."""

from __future__ import annotations

import functools
import math
from collections.abc import Sequence

import torch
from torch import Tensor

PURE = 999_999_999.9  # what ComfyUI's nodes say for pure noise
LAST = 4.8973451890853435e-08  # ᾱ of the last timestep of the miniature, which ComfyUI puts in place of zero


def stable_diffusion_sigma(timestep: float) -> float:
    """Noise level √((1 − ᾱ) / ᾱ) of a timestep 0–999 in the schedule of SD1.5 and SDXL, as ComfyUI counts it."""
    table = _log_sigmas()
    place = min(max(timestep, 0.0), len(table) - 1.0)
    low = math.floor(place)
    high = min(low + 1, len(table) - 1)
    return math.exp(table[low] + (place - low) * (table[high] - table[low]))


@functools.cache
def stable_diffusion_signal() -> Tensor:
    """ᾱ of the 1000 training timesteps, float64; betas scaled-linear from 0.00085 to 0.012 (SD1.5, SDXL)."""
    betas = torch.linspace(0.00085**0.5, 0.012**0.5, 1000, dtype=torch.float64) ** 2
    return torch.cumprod(1 - betas, dim=0)


@functools.cache
def zero_snr_sigmas() -> Tensor:
    """The levels √((1 − ᾱ) / ᾱ) of the miniature's 1000 training timesteps, the last one finite, float32.

    Reference: arXiv:2305.08891, algorithm 1, on the schedule of SD1.5.
    """
    root = stable_diffusion_signal().sqrt()
    root = (root - root[-1]) * root[0] / (root[0] - root[-1])
    kept = root**2
    kept[-1] = LAST
    return ((1 - kept) / kept).sqrt().float()


def cpu_noise(seed: int, shape: Sequence[int]) -> Tensor:
    """Return the noise that ComfyUI begins with, whatever the device."""
    return torch.randn(*shape, generator=torch.Generator("cpu").manual_seed(seed))


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


@functools.cache
def _log_sigmas() -> tuple[float, ...]:
    """log √((1 − ᾱ) / ᾱ) of the 1000 training timesteps."""
    kept = stable_diffusion_signal()
    return tuple(((1 - kept) / kept).sqrt().log().tolist())
