"""Reference-Based Guidance: the energy of a feature match, and what its gradient does to the denoised latent.

OmniPortrait, section 3.3. States are those of a VE sampler: x = z·√(1+σ²), where z is what the UNet sees; eps = (x − D)/σ.
"""

from __future__ import annotations

import math
from typing import Literal

import torch
from torch import Tensor

from ..errors import InvalidSettingError
from .correspondence import similarity

Reduction = Literal["mean", "sum"]


def energy(
    reference: Tensor, generated: Tensor, *, reduction: Reduction = "mean", weights: Tensor | None = None
) -> Tensor:
    """How badly matched features fit: 1 / (1 + S), where S is their mean or summed similarity.

    Args:
        reference: features of the reference, (R, C).
        generated: those that were found for them, (R, C); gets gradients.
        reduction: "mean" does not depend on the size of the face; "sum" is the equation to the letter.
        weights: of the features, (R,), all above 0; None where all count alike.

    Returns:
        A scalar, float32, without the strength p of Eq. 10, which is a factor.

    Raises:
        InvalidSettingError: if there is no feature.

    Reference: OmniPortrait, Eqs. 8 and 10.
    """
    if not len(reference):
        raise InvalidSettingError("No feature was matched, so there is no energy; use a larger mask.")
    alike = similarity(reference, generated)
    if reduction == "mean":
        return 1 / (1 + weighted_mean(alike, weights))
    return 1 / (1 + (alike if weights is None else alike * weights).sum())


def weighted_mean(values: Tensor, weights: Tensor | None) -> Tensor:
    """The mean of values (R,), by weights (R,) where there are any; a scalar."""
    return values.mean() if weights is None else (values * weights).sum() / weights.sum()


def correction(denoised: Tensor, grad_x: Tensor, sigma: float | Tensor, *, strength: float | Tensor) -> Tensor:
    """The denoised latent, guided: D − p·σ·√(1+σ²)·∇ₓE.

    The paper adds p·∇E, the gradient in z, to eps; with D = x − σ·eps and ∇_z = √(1+σ²)·∇ₓ this is the same for noise and for
    velocity prediction. One Euler step then equals one DDIM step with the guided eps.

    Args:
        denoised: D, of any shape.
        grad_x: ∇ₓE, of the same shape.
        sigma: noise level, VE.
        strength: p; a tensor broadcasts.

    Reference: OmniPortrait, Eqs. 9 and 11.
    """
    root = torch.sqrt(1 + sigma**2) if isinstance(sigma, Tensor) else math.sqrt(1 + sigma**2)
    return denoised - strength * sigma * root * grad_x


def relative_strength(gradient: Tensor, guidance: Tensor | None, sigma: float, *, share: float) -> Tensor:
    """The strengths with which the correction moves each row by a share of what classifier-free guidance does there.

    Args:
        gradient: ∇ₓE, (B, C, H, W); 0 outside the mask.
        guidance: what classifier-free guidance has added to the denoised latent, of the same shape; None without it: a unit
            of eps takes its place.
        sigma: noise level, VE.
        share: s, at least 0; 1 is as far as classifier-free guidance moves it.

    Returns:
        p for `correction`, (B, 1, 1, 1); 0 where the gradient vanishes.

    Reference: the rule of FreeDoM (arXiv:2303.09833), section 4.
    """
    inside = gradient.float() != 0
    length = _rms(gradient, inside)
    wanted = torch.full_like(length, sigma) if guidance is None else _rms(guidance, inside)
    strength = share * wanted / (sigma * math.sqrt(1 + sigma**2) * length)
    return torch.where(length > 0, strength, torch.zeros_like(strength))


def _rms(values: Tensor, where: Tensor) -> Tensor:
    """Root mean square of each row at some places, (B, 1, 1, 1) float32."""
    square = (values.float().square() * where).sum((1, 2, 3), keepdim=True)
    return (square / where.sum((1, 2, 3), keepdim=True).clamp(min=1)).sqrt()
