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
        """Spread of the latents, (B, C, h, w): zeros, for this encoder is sure."""
        return torch.zeros_like(self.mean)


@dataclass(frozen=True, eq=False, slots=True)
class Encoded:
    """Latents of pictures, with the fields of diffusers' AutoencoderKLOutput."""

    latent_dist: Distribution


@dataclass(frozen=True, eq=False, slots=True)
class Decoded:
    """Decoded pictures, with the fields of diffusers' DecoderOutput."""

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
        """Encode pictures (B, 3, H, W), -1 to 1, as latents."""
        return Encoded(Distribution(self.network.encode(pixels)))

    def decode(self, latents: Tensor) -> Decoded:
        """Decode latents as pictures (B, 3, H, W)."""
        return Decoded(self.network.decode(latents))
