"""Noise levels of the miniature as ComfyUI counts them: σ = √((1 − ᾱ) / ᾱ), the last one finite."""

from __future__ import annotations

import functools

from torch import Tensor

from ...training.noise_levels import stable_diffusion_signal

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
