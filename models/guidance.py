"""The second port between science and host: what a sampling step shows to a guidance, and what it pulls at.

`host/guidance.py` implements it for ComfyUI's samplers.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from torch import Tensor


@dataclass(frozen=True, slots=True)
class FeatureTap:
    """Where features are read.

    Attributes:
        block: number of the output block, in ComfyUI's numbering, whose result is read; the block after it must exist.
    """

    block: int


@dataclass(frozen=True, eq=False, slots=True)
class GuidedStep:
    """One noise level as a guidance sees it, in the conditional pass.

    Attributes:
        features: at the tap, (B, C, h, w); they carry the graph back to the latent.
        size: (H, W) of the latent.
        sigma: noise level, VE.
    """

    features: Tensor
    size: tuple[int, int]
    sigma: float


@dataclass(frozen=True, eq=False, slots=True)
class Pull:
    """One energy, and where its gradient may act.

    Attributes:
        energy: of every row, (B,); rows without any are 0 and get no gradient.
        mask: (B or 1, 1, H, W), 0–1, at the latent's size.
        likeness: of every row, (B,), 0–1, for the record.
    """

    energy: Tensor
    mask: Tensor
    likeness: Tensor


class FeatureReader(Protocol):
    """Reads the features of a finished latent from the model that samples."""

    def __call__(self, latent: Tensor, percent: float, seed: int) -> Tensor:
        """Features at the guidance's tap.

        Args:
            latent: of a picture, as the VAE gives it, (1, C, H, W).
            percent: how far the noise that is put on it has come down: 0 is pure noise, 1 none.
            seed: of that noise.

        Returns:
            (C', h, w), without a graph.
        """
        ...


class GradientGuidance(Protocol):
    """Pulls the denoised latent by the gradient of an energy."""

    @property
    def name(self) -> str:
        """For the log."""
        ...

    @property
    def tap(self) -> FeatureTap:
        """Where its features are read."""
        ...

    def prepared(self, read: FeatureReader) -> GradientGuidance:
        """This guidance with everything that it has to read before it can act; asked for once in a run."""
        ...

    def is_active(self, sigma: float) -> bool:
        """Whether it acts at a noise level."""
        ...

    def pulls(self, step: GuidedStep) -> Sequence[Pull]:
        """The energies of a step, one per person."""
        ...

    def correct(self, denoised: Tensor, gradient: Tensor, guidance: Tensor | None, sigma: float) -> Tensor:
        """The guided denoised latent.

        Args:
            denoised: of the whole guided step, (B, C, H, W).
            gradient: of the energies in the noisy latent, inside the masks, (B, C, H, W).
            guidance: what classifier-free guidance has changed, (B, C, H, W); None where there was none.
            sigma: noise level, VE.
        """
        ...
