"""UniPortrait's people in training: their tokens with parts of the features dropped."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from einops import rearrange
from torch import Tensor

from ...models.uniportrait.encode import ReferenceFeatures
from ...models.uniportrait.id_embedding import IDEmbedding
from ..batches.batch import Batch
from ..batches.draws import Draws


@dataclass(frozen=True, slots=True, kw_only=True)
class Dropping:
    """How often parts of the condition are left out while training, each 0–1.

    Attributes:
        token: of a structure token.
        path: of what one layer of the ID embedding reads from the structure; below 1, for the rest is made larger.
        face: of the faces of a picture: everybody becomes nobody, as on the negative side of guidance.

    Reference: UniPortrait (arXiv:2408.05939), sections 3.2 and 4.1.
    """

    token: float = 0.33
    path: float = 0.33
    face: float = 0.05


NOTHING_DROPPED = Dropping(token=0, path=0, face=0)


def drop_faces(batch: Batch, draws: Draws, probability: float) -> Tensor:
    """Which pictures lose their faces, (B,) bool."""
    return (draws.uniform("drop face") < probability).to(batch.intrinsic.device)


def identity_tokens(
    id_embedding: IDEmbedding,
    batch: Batch,
    null: ReferenceFeatures,
    dropped: Tensor,
    draws: Draws,
    dropping: Dropping,
) -> Tensor:
    """The tokens of everybody in a batch, parts of the features left out.

    Args:
        id_embedding: the module.
        batch: features of people.
        null: the features of nobody.
        dropped: which pictures lose their faces, (B,) bool.
        draws: decide which tokens and paths are dropped.
        dropping: how often.

    Returns:
        (B, N, T, D); absent people are nobody.
    """
    nobody = (dropped[:, None] | ~batch.present)[..., None, None]
    intrinsic = torch.where(nobody, null.intrinsic.to(batch.intrinsic), batch.intrinsic)
    structure = torch.where(nobody, null.structure.to(batch.structure), batch.structure)
    people, layers = batch.present.shape[1], len(id_embedding.layers)
    mask = None
    if dropping.token:
        keep = draws.uniform("drop token", (people, structure.shape[2])) >= dropping.token
        mask = rearrange(keep, "b n t -> (b n) t").to(structure)
    paths = draws.uniform("drop path", (people, layers)) >= dropping.path
    scale = rearrange(paths / (1 - dropping.path), "b n layers -> layers (b n)")
    tokens = id_embedding(
        rearrange(intrinsic, "b n t d -> (b n) t d"),
        rearrange(structure, "b n t d -> (b n) t d"),
        scale.to(structure.device),
        structure_mask=mask,
    )
    return rearrange(tokens, "(b n) t d -> b n t d", n=people)
