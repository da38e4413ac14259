"""Reading the features of reference pictures from the UNet that draws."""

from __future__ import annotations

from collections.abc import Hashable
from contextlib import suppress
from dataclasses import dataclass

import torch
from torch import Tensor

from ..models.port.guidance import FeatureCapture
from ..models.records.archive import content_hash
from .feature_capture import ReachedError, capture_features
from .noise_levels import level_at, nearest_timestep
from .prompted import Prompted


@dataclass(frozen=True, eq=False, slots=True)
class ReferenceReader:
    """Reads features as one picture of a batch sees them: with its prompt and its people.

    Attributes:
        prompted: the UNet with everybody's prompts.
        row: number of the picture.
        capture: where features are read.
        attached: what changes the UNet meanwhile.
    """

    prompted: Prompted
    row: int
    capture: FeatureCapture
    attached: tuple[Attached, ...] = ()

    @property
    def network(self) -> object:
        """The UNet."""
        return self.prompted.base.unet

    @property
    def key(self) -> Hashable:
        """Equal for readers that read the same; holds what changes the UNet, so that nothing else takes its place in memory."""
        return (
            self.capture,
            self.row if self.attached else 0,
            content_hash(self.prompted.text[self.row]),
            self.attached,
        )

    def of(self, place: int) -> ReferenceReader:
        """Itself: a prompt has one part."""
        del place
        return self

    @torch.no_grad()
    def __call__(self, latent: Tensor, percent: float, seed: int) -> Tensor:
        """See `FeatureReader`."""
        sigma = level_at(percent)
        noise = torch.randn(latent.shape, generator=torch.Generator().manual_seed(seed))
        noisy = latent * self.prompted.base.latent_scale + noise * sigma
        with capture_features(self.prompted.base.unet, self.capture, is_all=True) as captured, suppress(ReachedError):
            self.prompted.row(self.row, noisy / (1 + sigma**2) ** 0.5, nearest_timestep(sigma), sigma)
        return captured.features[0]


@dataclass(frozen=True, slots=True)
class Attached:
    """Something that is equal to itself alone, whatever it holds."""

    what: object

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Attached) and other.what is self.what

    def __hash__(self) -> int:
        return id(self.what)
