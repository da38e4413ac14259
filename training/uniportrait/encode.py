"""Examples to batches: latents, text and the features of people, encoded here or read from a cache."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from einops import rearrange
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence

from ...diffusers_host.base import Base
from ...diffusers_host.face_encoder import FaceEncoder
from ...diffusers_host.text_encoders import encode_prompts
from ..batches.batch import Batch
from ..batches.examples import Example, ShownPerson
from ..batches.feature_store import FeatureStore, Tensors, encode_once, fingerprint
from ..batches.latents import latent_store, sample_latents


@dataclass(frozen=True, slots=True, kw_only=True)
class Caches:
    """Where encoded pictures are kept.

    Attributes:
        latents: mean and spread of what the VAE says, by the key of an example.
        features: what the face encoder says, by the key of a crop.
    """

    latents: FeatureStore
    features: FeatureStore

    def hold(self, key: str) -> bool:
        """Whether something is kept under a key; the keys of both are never the same."""
        return key in self.latents or key in self.features


def open_caches(folder: Path, base: Base, faces: FaceEncoder) -> Caches:
    """The caches for these very networks, below a folder that other networks' caches may share."""
    seen = fingerprint([faces.backbone, faces.image_encoder])
    return Caches(
        latents=latent_store(folder, base),
        features=FeatureStore(folder / f"features-{seen}"),
    )


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class PictureEncoder:
    """Encodes examples on the device that the networks are on.

    Features are rounded to float16, kept or not, and with a cache every picture is encoded alone: what lies in the cache
    when a run begins therefore changes no bit of it.

    Attributes:
        base: its VAE and text encoders are used.
        faces: encodes people.
        caches: None encodes every picture whenever it comes.
        seed: of the run.
    """

    base: Base
    faces: FaceEncoder
    caches: Caches | None
    seed: int

    def __call__(self, examples: Sequence[Example[ShownPerson]]) -> Batch:
        """The batch of some examples."""
        text = encode_prompts(self.base.text_encoders, [example.caption for example in examples])
        device = text.tokens.device
        people = [example.people for example in examples]
        shown = [(one.intrinsic, one.structure) for row in people for one in row]
        crops = list(dict.fromkeys(crop for pair in shown for crop in pair))  # mostly both are one
        store = self.caches and self.caches.features
        features = dict(zip(crops, encode_once(crops, self._features, store, device), strict=True))
        return Batch(
            positions=tuple(example.position for example in examples),
            latents=sample_latents(self.base, examples, self.caches and self.caches.latents, seed=self.seed),
            text=text.tokens,
            pooled=text.pooled,
            sizes=torch.tensor([example.sizes for example in examples], device=device),
            intrinsic=_pad([[features[one.intrinsic]["intrinsic"].float() for one in row] for row in people]),
            structure=_pad([[features[one.structure]["structure"].float() for one in row] for row in people]),
            boxes=_pad([[torch.tensor(one.box, device=device) for one in row] for row in people]),
            present=_pad([[torch.tensor(True, device=device) for _ in row] for row in people]),
        )

    def _features(self, crops: np.ndarray) -> list[Tensors]:
        """Features of crops (R, 224, 224, 3) uint8, float16."""
        features, count = self.faces.features(crops), len(crops)
        parts = (
            rearrange(part.half(), "1 (r t) d -> r t d", r=count) for part in (features.intrinsic, features.structure)
        )
        return [{"intrinsic": intrinsic, "structure": structure} for intrinsic, structure in zip(*parts, strict=True)]


def _pad(rows: Sequence[Sequence[Tensor]]) -> Tensor:
    """(B, N, ...), the rows with fewer than N filled up with zeros."""
    return pad_sequence([torch.stack(list(row)) for row in rows], batch_first=True)
