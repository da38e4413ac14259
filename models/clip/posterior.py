"""The diffusion that the priors were trained with: which timesteps are visited, and how far each step goes.

unCLIP (arXiv:2204.06125), section 2.2, with the posterior of DDPM (arXiv:2006.11239), equations 6 and 7; betas by the cosine
rule of arXiv:2102.09672, equation 17. In the arithmetic of the published code: float32, and between neighbouring timesteps
the stored β instead of 1 − ᾱ_t / ᾱ_p, which at timestep 0 leaves .99947 of the prediction.
"""

from __future__ import annotations

import functools
import math
from dataclasses import dataclass

import torch
from torch import Tensor

from ..errors import require_range

TIMESTEPS = 1000
LARGEST_BETA = 0.999
OFFSET = 0.008  # of the cosine rule
FEWEST_STEPS = 2


@dataclass(frozen=True, slots=True)
class Posterior:
    """How the embedding of the next timestep is put together.

    Attributes:
        clean: factor of the predicted clean embedding.
        noisy: factor of the noisy embedding.
        deviation: of the noise that is added; 0 where the step ends at the clean embedding.
    """

    clean: float
    noisy: float
    deviation: float


@functools.cache
def betas() -> Tensor:
    """β of every timestep, (1000,) float32 on the CPU."""

    def kept(share: float) -> float:
        return math.cos((share + OFFSET) / (1 + OFFSET) * math.pi / 2) ** 2

    ratios = (kept((i + 1) / TIMESTEPS) / kept(i / TIMESTEPS) for i in range(TIMESTEPS))
    return torch.tensor([min(1 - ratio, LARGEST_BETA) for ratio in ratios])


@functools.cache
def alphas_cumprod() -> Tensor:
    """ᾱ, the share of the clean embedding's variance that is left at every timestep, (1000,) float32 on the CPU."""
    return (1 - betas()).cumprod(0)


def timesteps(steps: int) -> tuple[int, ...]:
    """The timesteps that a run visits, from 999 down to 0, evenly spaced.

    Args:
        steps: N, 2 to 1000.

    Raises:
        InvalidSettingError: if there are fewer or more.
    """
    require_range("steps", steps, TIMESTEPS, lowest=FEWEST_STEPS)
    apart = (TIMESTEPS - 1) / (steps - 1)
    return tuple(round(number * apart) for number in reversed(range(steps)))


def posterior(timestep: int, following: int | None) -> Posterior:
    """The step from a timestep to the following one.

    Args:
        timestep: t, 0–999.
        following: p < t; None for the last step, which ends at the clean embedding.
    """
    at = alphas_cumprod()[timestep]
    then = torch.ones(()) if following is None else alphas_cumprod()[following]
    is_next = timestep == 0 or following == timestep - 1
    beta = betas()[timestep] if is_next else 1 - at / then
    return Posterior(
        clean=float(then.sqrt() * beta / (1 - at)),
        noisy=float((1 - beta).sqrt() * (1 - then) / (1 - at)),
        deviation=float(((1 - then) / (1 - at) * beta).sqrt()),
    )
