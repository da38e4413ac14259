"""What the miniature's prior learns from: captions, and what the image encoder says of their pictures, faces hidden."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from ....diffusers_host.base import Base
from ....diffusers_host.face_encoder import FaceEncoder
from ....diffusers_host.text_tower import read_texts
from ....training.batches.draws import Draws
from ....training.facestudio.prior.batch import PairBatch
from ...world.world import World
from ..pool_files import POOL_FILES, PoolFiles, pool_name, read_parts
from .people import PEOPLE, style_embeddings


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class CaptionedPictures:
    """P pictures of one person or two, all flat: what a caption says nothing of is drawn as the world is.

    Attributes:
        hidden: states of the text encoder behind its last LayerNorm, (P, 77, W) float16.
        pooled: of the end token, (P, W) float32.
        mask: 1 up to the end token, (P, 77) float32.
        embedding: of the pictures with their faces hidden, (P, E) float32.
        empty_hidden, empty_pooled, empty_mask: of the empty text, one row each.
    """

    hidden: Tensor
    pooled: Tensor
    mask: Tensor
    embedding: Tensor
    empty_hidden: Tensor
    empty_pooled: Tensor
    empty_mask: Tensor

    def batch(self, draws: Draws) -> PairBatch:
        """Return a batch of pairs drawn from the pool, a row for each row of numbers."""
        rows = draws.integers("pair", len(self.hidden))
        return PairBatch(
            positions=draws.positions,
            hidden=self.hidden[rows].float(),
            pooled=self.pooled[rows],
            mask=self.mask[rows],
            empty_hidden=self.empty_hidden,
            empty_pooled=self.empty_pooled,
            empty_mask=self.empty_mask,
            embedding=self.embedding[rows],
        )


def read_captioned_pictures(
    base: Base,
    faces: FaceEncoder,
    world: World,
    folder: Path,
    *,
    pictures: int,
    files: PoolFiles = POOL_FILES,
) -> CaptionedPictures:
    """Return the first pictures of a world; those that the folder does not hold are made first.

    Args:
        base: its text encoder reads captions.
        faces: with the image encoder.
        world: draws.
        folder: of what is kept.
        pictures: P; rounded up to whole files.
        files: how they lie there.
    """
    tower = base.text_encoders[0]
    place = folder / pool_name([tower.module, faces.image_encoder], world, PEOPLE)

    @torch.no_grad()
    def encode(numbers: range) -> dict[str, Tensor]:
        scene = world.scenes(numbers, people=PEOPLE)
        said = read_texts(tower, [caption.text for caption in scene.captions])
        embedding = style_embeddings(faces, scene.image, scene.boxes)
        return {"hidden": said.hidden.half(), "pooled": said.pooled, "mask": said.mask, "embedding": embedding}

    empty = read_texts(tower, [""])
    return CaptionedPictures(
        **read_parts(place, range(pictures), encode, files),
        empty_hidden=empty.hidden,
        empty_pooled=empty.pooled,
        empty_mask=empty.mask,
    )
