"""IP-Adapter FaceID's examples to batches: latents, text and face vectors, encoded here or read from a cache."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import normalize

from ...diffusers_host.base import Base
from ...diffusers_host.text_encoders import encode_prompts
from ...models.face.insightface import ArcFace
from ...models.weights.fingerprint import of_file
from ..batches.examples import Crop, Example
from ..batches.feature_store import FeatureStore, Tensors, encode_once
from ..batches.latents import latent_store, sample_latents
from .batch import FaceBatch


@dataclass(frozen=True, slots=True, kw_only=True)
class Caches:
    """Where encoded pictures are kept.

    Attributes:
        latents: mean and spread of what the VAE says, by the key of an example.
        vectors: what the recogniser says, by the key of a crop.
    """

    latents: FeatureStore
    vectors: FeatureStore

    def hold(self, key: str) -> bool:
        """Whether something is kept under a key; the keys of both are never the same."""
        return key in self.latents or key in self.vectors


def open_caches(folder: Path, base: Base, recogniser: ArcFace) -> Caches:
    """The caches for these very networks, below a folder that other networks' caches may share."""
    return Caches(latents=latent_store(folder, base), vectors=vector_store(folder, recogniser))


def vector_store(folder: Path, recogniser: ArcFace) -> FeatureStore:
    """The cache of what this very recogniser says of faces."""
    return FeatureStore(folder / f"vectors-{of_file(recogniser.path)[:16]}")


def encode_faces(
    recogniser: ArcFace, faces: Sequence[Crop], store: FeatureStore | None, device: torch.device
) -> Tensor:
    """Vectors of length 1 of one face or more, (R, V) float32 on a device, encoded here or read from a cache."""

    def say(crops: np.ndarray) -> list[Tensors]:
        return [{"vector": vector} for vector in face_vectors(recogniser, crops)]

    return torch.stack([one["vector"].to(device) for one in encode_once(faces, say, store, device)])


def face_vectors(recogniser: ArcFace, crops: np.ndarray) -> Tensor:
    """Vectors of length 1, (R, 512) float32, of aligned faces (R, 112, 112, 3) uint8 RGB; raises as `ArcFace.of_crops`."""
    return normalize(recogniser.of_crops(crops), dim=-1)


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class FacePictureEncoder:
    """Encodes examples on the device that the base is on; the recogniser runs where ONNX Runtime finds its best provider.

    Attributes:
        base: its VAE and text encoders are used.
        recogniser: describes faces.
        caches: None encodes every picture whenever it comes.
        seed: of the run.
    """

    base: Base
    recogniser: ArcFace
    caches: Caches | None
    seed: int

    def __call__(self, examples: Sequence[Example[Crop]]) -> FaceBatch:
        """The batch of some examples; of several people in a picture the first is shown."""
        text = encode_prompts(self.base.text_encoders, ["", *(example.caption for example in examples)])
        device = text.tokens.device
        faces = [example.people[0] for example in examples]
        return FaceBatch(
            positions=tuple(example.position for example in examples),
            latents=sample_latents(self.base, examples, self.caches and self.caches.latents, seed=self.seed),
            text=text.tokens[1:],
            empty=text.tokens[:1],
            pooled=None if text.pooled is None else text.pooled[1:],
            empty_pooled=None if text.pooled is None else text.pooled[:1],
            sizes=torch.tensor([example.sizes for example in examples], device=device),
            vectors=encode_faces(self.recogniser, faces, self.caches and self.caches.vectors, device),
        )
