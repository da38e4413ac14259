"""The tokens of the people of some pictures, other people in each: of UniPortrait, or of IP-Adapter FaceID."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from einops import rearrange
from torch import Tensor, nn

from ...models.ip_adapter.checkpoint import IPAdapter
from ...models.uniportrait.checkpoint import UniPortraitAdapter
from ...models.uniportrait.encode import ReferenceFeatures, vectors_of


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class Shown:
    """What an adapter shows of the people of some pictures.

    Attributes:
        attention: a KeyValueProjection by site index.
        tokens: of everybody, (B, N, T, D).
        null_tokens: of nobody, (1, T, D).
    """

    attention: nn.ModuleDict
    tokens: Tensor
    null_tokens: Tensor


def tokens_of(
    adapter: UniPortraitAdapter | IPAdapter,
    intrinsic: Tensor,
    structure: Tensor,
    nobody: ReferenceFeatures,
    *,
    structure_scale: float,
    sees_means: bool,
) -> Shown:
    """Return what an adapter shows of the people of some pictures.

    Args:
        adapter: UniPortrait, or IP-Adapter FaceID, of which the last three are nothing.
        intrinsic, structure: features of a portrait of everybody, (B, N, T, D).
        nobody: the features of nobody.
        structure_scale: 0–1.
        sees_means: whether the embedding sees the mean of every map of features alone.
    """
    people = intrinsic.shape[1]
    if isinstance(adapter, IPAdapter):
        vectors = vectors_of(rearrange(intrinsic, "b n t d -> (b n) t d"))
        tokens, null = adapter.projection(vectors), adapter.projection(torch.zeros_like(vectors[:1]))
        attention = adapter.attention
    else:
        nothing = nobody.intrinsic
        if sees_means:
            intrinsic, nothing = (part.mean(-2, keepdim=True).expand_as(part) for part in (intrinsic, nothing))
        seen = (rearrange(part, "b n t d -> (b n) t d") for part in (intrinsic, structure))
        tokens = adapter.id_embedding(*seen, structure_scale)
        null = adapter.id_embedding(nothing, nobody.structure, structure_scale)
        attention = adapter.face_attention
    return Shown(attention=attention, tokens=rearrange(tokens, "(b n) t d -> b n t d", n=people), null_tokens=null)
