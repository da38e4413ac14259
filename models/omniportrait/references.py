"""A picture of somebody, as the guidance is shown it."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

from ..people.encodings import pixels_hash


@dataclass(frozen=True, eq=False, slots=True)
class ReferencePicture:
    """A picture of somebody, whose features are to be matched.

    Attributes:
        latent: as the VAE gives it, (1, C, H, W) float32.
        mask: of the face, (H', W') float32, 0–1, of any size.
        weight: of its features among those of the person's other pictures, > 0.
    """

    latent: Tensor
    mask: Tensor
    weight: float = 1.0

    @property
    def content(self) -> str:
        """A name for what can be read of it; equal for equal latents and masks, whatever the weight."""
        return f"{pixels_hash(self.latent)} {pixels_hash(self.mask)}"
