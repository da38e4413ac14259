"""Examples to batches: latents, text and the features of people, encoded here or read from a cache."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import numpy as np
import torch
from einops import rearrange
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence

from .base import Base
from .batch import Batch
from .draws import Draws
from .examples import Crop, Example
from .face_encoder import FaceEncoder
from .feature_store import FeatureStore, fingerprint
from .text_encoders import encode_prompts

Tensors = dict[str, Tensor]


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
        latents=FeatureStore(folder / f"latents-{fingerprint([base.vae])}"),
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

    def __call__(self, examples: Sequence[Example]) -> Batch:
        """The batch of some examples."""
        text = encode_prompts(self.base.text_encoders, [example.caption for example in examples])
        device = text.tokens.device
        people = [example.people for example in examples]
        shown = [(one.intrinsic, one.structure) for row in people for one in row]
        crops = list(dict.fromkeys(crop for pair in shown for crop in pair))  # mostly both are one
        store = self.caches and self.caches.features
        features = dict(zip(crops, _encoded(crops, self._features, store, device), strict=True))
        return Batch(
            positions=tuple(example.position for example in examples),
            latents=self._latents(examples, device),
            text=text.tokens,
            pooled=text.pooled,
            sizes=torch.tensor([example.sizes for example in examples], device=device),
            intrinsic=_padded([[features[one.intrinsic]["intrinsic"].float() for one in row] for row in people]),
            structure=_padded([[features[one.structure]["structure"].float() for one in row] for row in people]),
            boxes=_padded([[torch.tensor(one.box, device=device) for one in row] for row in people]),
            present=_padded([[torch.tensor(True, device=device) for _ in row] for row in people]),
        )

    def _latents(self, examples: Sequence[Example], device: torch.device) -> Tensor:
        """A sample of what the VAE says about each picture, scaled for the UNet, (B, 4, h, w)."""
        said = _encoded(examples, self._moments, self.caches and self.caches.latents, device)
        mean, spread = (torch.stack([one[name] for one in said]) for name in ("mean", "spread"))
        draws = Draws(self.seed, tuple(example.position for example in examples))
        return (mean + spread * draws.normal("latents", mean.shape[1:]).to(mean)) * self.base.latent_scale

    def _moments(self, pictures: np.ndarray) -> list[Tensors]:
        """Mean and spread of the latents of pictures (B, size, size, 3) uint8."""
        device = next(self.base.vae.parameters()).device
        pixels = rearrange(torch.from_numpy(pictures).to(device), "b h w c -> b c h w").float() / 127.5 - 1
        with torch.no_grad():
            said: Any = self.base.vae.encode(pixels)
        pairs = zip(said.latent_dist.mean, said.latent_dist.std, strict=True)
        return [{"mean": mean, "spread": spread} for mean, spread in pairs]

    def _features(self, crops: np.ndarray) -> list[Tensors]:
        """Features of crops (R, 224, 224, 3) uint8, float16."""
        features, count = self.faces.features(crops), len(crops)
        parts = (
            rearrange(part.half(), "1 (r t) d -> r t d", r=count) for part in (features.intrinsic, features.structure)
        )
        return [{"intrinsic": intrinsic, "structure": structure} for intrinsic, structure in zip(*parts, strict=True)]


def _encoded(
    pictures: Sequence[Example | Crop],
    encode: Callable[[np.ndarray], list[Tensors]],
    store: FeatureStore | None,
    device: torch.device,
) -> list[Tensors]:
    """What `encode` says about each picture, or said before."""
    if store is None:
        return encode(np.stack([cast(np.ndarray, picture.pixels) for picture in pictures]))
    return [_kept(picture, encode, store, device) for picture in pictures]


def _kept(
    picture: Example | Crop, encode: Callable[[np.ndarray], list[Tensors]], store: FeatureStore, device: torch.device
) -> Tensors:
    if picture.key is not None and picture.key in store:
        return {name: tensor.to(device) for name, tensor in store.read(picture.key).items()}
    [said] = encode(cast(np.ndarray, picture.pixels)[None])
    if picture.key is not None:
        store.write(picture.key, said)
    return said


def _padded(rows: Sequence[Sequence[Tensor]]) -> Tensor:
    """(B, N, ...), the rows with fewer than N filled up with zeros."""
    return pad_sequence([torch.stack(list(row)) for row in rows], batch_first=True)
