"""The miniature's autoencoder: pictures to latents of an eighth of their side, and back."""

from __future__ import annotations

from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional

from ..errors import ShapeError

FACTOR = 8  # pixels per latent, either way
PATCH = 4  # pixels that are one position for the first and the last convolution
BRANCH = 0.3  # of the usual spread: untrained branches change little, which stands in for norms


class _Block(nn.Module):
    def __init__(self, channels: int):
        super().__init__()
        self.first = nn.Conv2d(channels, channels, 3, padding=1)
        self.second = nn.Conv2d(channels, channels, 3, padding=1)
        with torch.no_grad():
            self.second.weight *= BRANCH
            cast(Tensor, self.second.bias).zero_()

    def forward(self, x: Tensor) -> Tensor:
        return x + self.second(functional.silu(self.first(functional.silu(x))))


class MiniatureVAE(nn.Module):
    """A convolutional autoencoder without norms, so that a window of a picture is coded as it is in the whole picture.

    The layers beside the latents are 1×1 convolutions: their spread can be changed without a change of what is decoded.

    Args:
        widths: channels at a quarter and at an eighth of the picture's side.
        latent_channels: C.
    """

    def __init__(self, widths: tuple[int, int], latent_channels: int):
        super().__init__()
        fine, coarse = widths
        pixels = 3 * PATCH**2
        self.latent_channels = latent_channels
        self.encoder = nn.Sequential(
            nn.PixelUnshuffle(PATCH),
            nn.Conv2d(pixels, fine, 3, padding=1),
            _Block(fine),
            _Block(fine),
            nn.Conv2d(fine, coarse, 3, stride=2, padding=1),
            _Block(coarse),
            _Block(coarse),
            nn.SiLU(),
            nn.Conv2d(coarse, latent_channels, 1),
        )
        self.decoder = nn.Sequential(
            nn.Conv2d(latent_channels, coarse, 1),
            _Block(coarse),
            _Block(coarse),
            nn.Upsample(scale_factor=2, mode="nearest"),
            nn.Conv2d(coarse, fine, 3, padding=1),
            _Block(fine),
            _Block(fine),
            _Block(fine),
            nn.SiLU(),
            nn.Conv2d(fine, pixels, 3, padding=1),
            nn.PixelShuffle(PATCH),
        )

    def encode(self, pixels: Tensor) -> Tensor:
        """Encode pictures as latents.

        Args:
            pixels: (B, 3, H, W), -1 to 1; sides are multiples of 8.

        Returns:
            (B, C, H/8, W/8).

        Raises:
            ShapeError: if the pictures have another shape.
        """
        if pixels.ndim != 4 or pixels.shape[1] != 3 or pixels.shape[2] % FACTOR or pixels.shape[3] % FACTOR:
            raise ShapeError(
                f"pixels has shape {tuple(pixels.shape)}; expected (B, 3, H, W) with sides that are multiples of {FACTOR}."
            )
        return self.encoder(pixels)

    def decode(self, latents: Tensor) -> Tensor:
        """Decode latents (B, C, h, w) as pictures (B, 3, 8·h, 8·w), about -1 to 1."""
        return self.decoder(latents)
