"""The miniature's VAE with the calls of diffusers' AutoencoderKL, which the trainer makes."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from ...models.miniature.vae import MiniatureVAE


@dataclass(frozen=True, eq=False, slots=True)
class Distribution:
    """What the encoder says of pictures.

    Attributes:
        mean: the latents, (B, C, h, w).
    """

    mean: Tensor

    @property
    def std(self) -> Tensor:
        """Nothing: this encoder is sure."""
        return torch.zeros_like(self.mean)


@dataclass(frozen=True, eq=False, slots=True)
class Encoded:
    """As AutoencoderKLOutput."""

    latent_dist: Distribution


@dataclass(frozen=True, eq=False, slots=True)
class Decoded:
    """As DecoderOutput."""

    sample: Tensor


class DiffusersVAE(nn.Module):
    """A VAE as the trainer calls one.

    Args:
        network: encodes and decodes.
    """

    def __init__(self, network: MiniatureVAE):
        super().__init__()
        self.network = network

    def encode(self, pixels: Tensor) -> Encoded:
        """(B, 3, H, W) from -1 to 1 to latents."""
        return Encoded(Distribution(self.network.encode(pixels)))

    def decode(self, latents: Tensor) -> Decoded:
        """Latents to (B, 3, H, W)."""
        return Decoded(self.network.decode(latents))
