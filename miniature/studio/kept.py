"""Parts of other pictures that stay as they are while the rest is drawn, as ComfyUI's noise mask keeps them."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True, eq=False, slots=True)
class Kept:
    """What stays.

    The predicted velocity of kept places counts for nothing: the UNet sees them as noisy as the rest, and what it makes of them is
    thrown away.

    Attributes:
        latents: of the other pictures, as the UNet takes them, (B, C, h, w).
        share: how much of every position stays, (B, 1, h, w), 0–1.
    """

    latents: Tensor
    share: Tensor

    def put_into(self, latents: Tensor, noise: Tensor, sigma: float) -> Tensor:
        """Noisy latents scaled for the UNet, (B, C, h, w), with what stays in them, under the noise that drawing began with."""
        noisy = (self.latents + sigma * noise) / (sigma**2 + 1) ** 0.5
        return torch.lerp(latents, noisy, self.share.expand_as(latents))

    def restore(self, denoised: Tensor) -> Tensor:
        """Denoised latents, (B, C, h, w), with what stays in them."""
        return torch.lerp(denoised, self.latents, self.share.expand_as(denoised))
