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


def energy(reference: Tensor, generated: Tensor, *, reduction: Reduction = "mean") -> Tensor:
    """How badly matched features fit: 1 / (1 + S), where S is their mean or summed similarity.

    Args:
        reference: features of the reference, (R, C).
        generated: those that were found for them, (R, C); gets gradients.
        reduction: "mean" does not depend on the size of the face; "sum" is the equation to the letter.

    Returns:
        A scalar, float32, without the strength p of Eq. 10, which is a factor.

    Raises:
        InvalidSettingError: if there is no feature.

    Reference: OmniPortrait, Eqs. 8 and 10.
    """
    if not len(reference):
        raise InvalidSettingError("No feature was matched, so there is no energy; use a larger mask.")
    alike = similarity(reference, generated)
    return 1 / (1 + (alike.mean() if reduction == "mean" else alike.sum()))


def correction(denoised: Tensor, grad_x: Tensor, sigma: float | Tensor, *, strength: float) -> Tensor:
    """The denoised latent, guided: D − p·σ·√(1+σ²)·∇ₓE.

    The paper adds p·∇E, the gradient in z, to eps; with D = x − σ·eps and ∇_z = √(1+σ²)·∇ₓ this is the same for noise and for
    velocity prediction. One Euler step then equals one DDIM step with the guided eps.

    Args:
        denoised: D, of any shape.
        grad_x: ∇ₓE, of the same shape.
        sigma: noise level, VE.
        strength: p.

    Reference: OmniPortrait, Eqs. 9 and 11.
    """
    root = torch.sqrt(1 + sigma**2) if isinstance(sigma, Tensor) else math.sqrt(1 + sigma**2)
    return denoised - strength * sigma * root * grad_x


def relative_strength(grad_x: Tensor, guidance: Tensor | None, sigma: float, *, share: float, scale: float) -> float:
    """The strength with which the correction moves the denoised latent by a share of what classifier-free guidance does.

    Args:
        grad_x: ∇ₓE inside the mask, 0 elsewhere.
        guidance: difference of the conditional and the unconditional denoised latent, in the same places; None without
            classifier-free guidance, where a unit of eps takes its place.
        sigma: noise level, VE.
        share: s, 0–1 and above; 0.15 is moderate [choice].
        scale: of the classifier-free guidance.

    Returns:
        p for `correction`; 0 where the gradient vanishes.

    Reference: the rule of FreeDoM (arXiv:2303.09833), section 4.
    """
    length = _rms(grad_x)
    if length == 0:
        return 0.0
    wanted = sigma if guidance is None else scale * _rms(guidance)
    return share * wanted / (sigma * math.sqrt(1 + sigma**2) * length)


def _rms(values: Tensor) -> float:
    """Root mean square of all that is not 0."""
    square = values.double().square()
    count = int((square > 0).sum())
    return math.sqrt(float(square.sum()) / count) if count else 0.0
