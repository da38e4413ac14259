"""Noise levels of the training schedule that SD1.5 and SDXL share."""

from __future__ import annotations

import functools
import math

import torch
from torch import Tensor


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
def _log_sigmas() -> tuple[float, ...]:
    """log √((1 − ᾱ) / ᾱ) of the 1000 training timesteps."""
    kept = stable_diffusion_signal()
    return tuple(((1 - kept) / kept).sqrt().log().tolist())
