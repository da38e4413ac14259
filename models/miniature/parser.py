"""The miniature's face parser: a label for every pixel of a drawn face."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from ..face.parsing import LABELS
from .finder import normed_convolution

SIDE = 128  # pixels; what the network looks at, whatever size it is given
LEVELS = (24, 32, 48)
FOLD = 2  # pixels, either way, that are one position of the finest level


class MiniatureParser(nn.Module):
    """A small U-Net (arXiv:1505.04597) in the place of the published BiSeNet, see `models.face.parsing.FaceParser`."""

    def __init__(self) -> None:
        super().__init__()
        fine, middle, coarse = LEVELS
        self.fine = nn.Sequential(
            nn.PixelUnshuffle(FOLD), normed_convolution(3 * FOLD**2, fine, 1), normed_convolution(fine, fine, 1)
        )
        self.middle = nn.Sequential(normed_convolution(fine, middle, 2), normed_convolution(middle, middle, 1))
        self.coarse = nn.Sequential(
            normed_convolution(middle, coarse, 2),
            normed_convolution(coarse, coarse, 1),
            normed_convolution(coarse, coarse, 1),
            nn.Upsample(scale_factor=2),
        )
        self.joined = nn.Sequential(normed_convolution(coarse + middle, middle, 1), nn.Upsample(scale_factor=2))
        self.head = nn.Sequential(
            normed_convolution(middle + fine, fine, 1),
            nn.Conv2d(fine, len(LABELS) * FOLD**2, 1),
            nn.PixelShuffle(FOLD),
        )

    def forward(self, pixels: Tensor) -> tuple[Tensor]:
        """Return the label scores (B, 19, S, S) of normalised pictures (B, 3, S, S)."""
        size = pixels.shape[-2:]
        seen = functional.interpolate(pixels, (SIDE, SIDE), mode="bilinear", antialias=True, align_corners=False)
        fine = self.fine(seen)
        middle = self.middle(fine)
        joined = self.joined(torch.cat((middle, self.coarse(middle)), 1))
        scores = self.head(torch.cat((fine, joined), 1))
        return (functional.interpolate(scores, size, mode="bilinear", align_corners=False),)
