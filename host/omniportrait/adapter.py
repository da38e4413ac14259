"""OmniPortrait's pivot in ComfyUI: the adapter and its image encoder under ComfyUI's memory management."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from os import PathLike

import torch
from comfy.model_patcher import ModelPatcher
from torch import Tensor, nn

from ...models.omniportrait.checkpoint import OmniPortraitAdapter, load
from ...models.omniportrait.encode import encode
from ...models.omniportrait.image_encoder import PivotImageEncoder
from ...models.people.person import Person
from ...models.people.remembered import RememberedImageEncoder
from ...models.port.encoders import ImageEncoder
from ...models.weights.fingerprint import fingerprint
from ..memory import loaded, manage

NAME = "OmniPortrait"


@dataclass(frozen=True, eq=False)
class ManagedPivotEncoder:
    """The adapter's image encoder, whose one token is the projected embedding; an `ImageEncoder`.

    Attributes:
        encoder: the network.
        patcher: loads and offloads it.
    """

    encoder: PivotImageEncoder
    patcher: ModelPatcher

    @property
    def key(self) -> str:
        """Hash of the weights and of what no weight tells."""
        config = self.encoder.config
        return f"pivot {fingerprint(self.encoder)} {config.activation} {config.head_width}"

    @property
    def width(self) -> int:
        """Channels of the embedding."""
        return self.encoder.config.embed_dim

    def tokens(self, pixels: Tensor) -> Tensor:
        """The embeddings of pictures as their only tokens.

        Args:
            pixels: already normalised, (R, 3, S, S) float32, see `models.omniportrait.image_encoder.prepare`.

        Returns:
            (R, 1, E) float32 on the CPU.
        """
        with loaded(self.patcher):
            seen = pixels.to(next(self.encoder.parameters()))
            return self.encoder.visual(seen)[:, None].to("cpu", torch.float32)


@dataclass(frozen=True, eq=False)
class LoadedOmniPortrait:
    """What the loader node hands on.

    Attributes:
        read: gives the weights; called once, when they are first needed.
    """

    read: Callable[[], OmniPortraitAdapter]

    @cached_property
    def adapter(self) -> OmniPortraitAdapter:
        """The weights by part."""
        return self.read()

    @cached_property
    def networks(self) -> ModelPatcher:
        """Patcher of the image encoder and the fusion, which run before sampling."""
        return manage(nn.ModuleDict({"pivot": self.adapter.pivot, "image_encoder": self.adapter.image_encoder}))

    @cached_property
    def encoder(self) -> ImageEncoder:
        """The image encoder; encodes no face twice."""
        return RememberedImageEncoder(ManagedPivotEncoder(self.adapter.image_encoder, self.networks))

    def encode(self, people: Sequence[Person]) -> Tensor:
        """The embeddings of some people, each with a face, (N, E) float32 on the CPU; see `encode`."""
        return torch.cat([encode(person, self.encoder, self.adapter.config) for person in people])


def load_omniportrait(path: PathLike[str], base: PathLike[str] | None = None) -> LoadedOmniPortrait:
    """Read an adapter and put its networks under ComfyUI's memory management.

    Args:
        path: the file.
        base: open_clip's weights, for adapters that hold only what training changed.
    """
    return new_omniportrait(load(path, base))


def new_omniportrait(adapter: OmniPortraitAdapter) -> LoadedOmniPortrait:
    """Put an adapter under ComfyUI's memory management."""
    return LoadedOmniPortrait(lambda: adapter)
