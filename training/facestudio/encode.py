"""FaceStudio's examples to batches: latents, styles and face vectors, encoded here or read from a cache."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from ...diffusers_host.base import Base
from ...models.face.insightface import ArcFace
from ..batches.examples import Crop, Example
from ..batches.feature_store import FeatureStore, Tensors, encode_once
from ..batches.latents import latent_store, sample_latents
from ..ip_adapter.encode import encode_faces, vector_store
from .batch import StyleBatch
from .pictures import Sources
from .style_network import StyleNetwork


@dataclass(frozen=True, slots=True, kw_only=True)
class Caches:
    """Where encoded pictures are kept.

    Attributes:
        latents: mean and spread of what the VAE says, by the key of an example.
        styles: what CLIP says of pictures without their faces, by the key of a style.
        vectors: what the recogniser says, by the key of a crop.
    """

    latents: FeatureStore
    styles: FeatureStore
    vectors: FeatureStore

    def hold(self, key: str) -> bool:
        """Whether something is kept under a key; the keys of no two of them are the same."""
        return key in self.latents or key in self.styles or key in self.vectors


def open_caches(folder: Path, base: Base, network: StyleNetwork, recogniser: ArcFace) -> Caches:
    """The caches for these very networks, below a folder that other networks' caches may share."""
    return Caches(
        latents=latent_store(folder, base),
        styles=style_store(folder, network),
        vectors=vector_store(folder, recogniser),
    )


def style_store(folder: Path, network: StyleNetwork) -> FeatureStore:
    """The cache of what these very CLIP models say."""
    return FeatureStore(folder / f"styles-{network.key}")


def encode_styles(network: StyleNetwork, styles: Sequence[Crop], store: FeatureStore | None) -> Tensor:
    """Embeddings of styles, (R, E) float32, on the network's device."""

    def say(pictures: np.ndarray) -> list[Tensors]:
        return [{"style": style} for style in network.embeddings(pictures)]

    said = encode_once(styles, say, store, network.device)
    return torch.stack([one["style"].to(network.device) for one in said])


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class StylePictureEncoder:
    """Encodes examples on the device that the base is on; the recogniser runs where ONNX Runtime finds its best provider.

    Attributes:
        base: its VAE is used.
        network: describes styles.
        recogniser: describes faces.
        caches: None encodes every picture whenever it comes.
        seed: of the run.
    """

    base: Base
    network: StyleNetwork
    recogniser: ArcFace
    caches: Caches | None
    seed: int

    def __call__(self, examples: Sequence[Example[Sources]]) -> StyleBatch:
        """The batch of some examples."""
        sources = [example.people[0] for example in examples]
        latents = sample_latents(self.base, examples, self.caches and self.caches.latents, seed=self.seed)
        return StyleBatch(
            positions=tuple(example.position for example in examples),
            latents=latents,
            style=encode_styles(self.network, [each.style for each in sources], self.caches and self.caches.styles),
            face=self._faces([each.face for each in sources], latents.device),
            sizes=torch.tensor([example.sizes for example in examples], device=latents.device),
        )

    def _faces(self, faces: Sequence[Crop | None], device: torch.device) -> Tensor:
        """Vectors (B, V); zeros for nobody."""
        found = torch.zeros(len(faces), self.recogniser.width, device=device)
        known = [face for face in faces if face is not None]
        if known:
            shown = torch.tensor([face is not None for face in faces], device=device)
            found[shown] = encode_faces(self.recogniser, known, self.caches and self.caches.vectors, device)
        return found
