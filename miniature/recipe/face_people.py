"""What IP-Adapter FaceID learns from: pictures of one person, and what the recogniser says of another portrait of them."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from ...diffusers_host.base import Base
from ...models.uniportrait.encode import vectors_of
from ...training.batches.draws import Draws
from ...training.ip_adapter.batch import FaceBatch
from .latents import caption_tokens, encode_tokens
from .people import PeoplePool


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class FacePool:
    """P pictures of one person each.

    Attributes:
        latents: as the UNet takes them, (P, C, h, w) float32.
        tokens: of the captions, (P, 77) int64.
        vectors: of a portrait, of length 1, (P, V) float32.
        weights: of the positions in the loss, see `part_weights`, (P, 1, h, w) float16.
    """

    latents: Tensor
    tokens: Tensor
    vectors: Tensor
    weights: Tensor

    @classmethod
    def of(cls, pool: PeoplePool) -> FacePool:
        """The pictures that UniPortrait learns one person from."""
        vectors = vectors_of(pool.intrinsic[:, 0].float())
        return cls(latents=pool.latents, tokens=pool.tokens, vectors=vectors, weights=pool.weights)

    def batch(self, base: Base, draws: Draws) -> FaceBatch:
        """Return a batch of pictures drawn from the pool, a row for each row of numbers."""
        rows = draws.integers("picture", len(self.latents))
        with torch.no_grad():
            text = encode_tokens(base, torch.cat((caption_tokens([""]), self.tokens[rows])))
        return FaceBatch(
            positions=draws.positions,
            latents=self.latents[rows],
            text=text[1:],
            empty=text[:1],
            pooled=None,
            empty_pooled=None,
            sizes=torch.zeros(len(rows), 6),
            vectors=self.vectors[rows],
            weights=self.weights[rows].float(),
        )
