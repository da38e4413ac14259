"""Pictures of people with references of everybody, encoded once and kept on disk: what adapters learn from."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import torch
from einops import rearrange
from torch import Tensor

from ...diffusers_host.base import Base
from ...diffusers_host.face_encoder import FaceEncoder
from ...training.batches.batch import Batch
from ...training.batches.draws import Draws
from ..world.world import World
from .emphasis import part_weights
from .latents import caption_tokens, encode_pictures, encode_tokens
from .pool_files import POOL_FILES, PoolFiles, pool_name, read_parts
from .steps.backbone import cut_faces


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class PeoplePool:
    """Pictures with N people each.

    Attributes:
        latents: as the UNet takes them, (P, C, h, w) float32.
        tokens: of the captions, (P, 77) int64.
        intrinsic, structure: features of a portrait of everybody, (P, N, T, D) float16.
        boxes: of the faces, shares of width and height, (P, N, 4) float32.
        present: who is there, (P, N) bool.
        weights: of the positions in the loss, see `part_weights`, (P, 1, h, w) float16.
    """

    latents: Tensor
    tokens: Tensor
    intrinsic: Tensor
    structure: Tensor
    boxes: Tensor
    present: Tensor
    weights: Tensor

    def batch(self, base: Base, draws: Draws) -> Batch:
        """Pictures drawn from the pool, a row for each row of numbers."""
        rows = draws.integers("picture", len(self.latents))
        with torch.no_grad():
            text = encode_tokens(base, self.tokens[rows])
        return Batch(
            positions=draws.positions,
            latents=self.latents[rows],
            text=text,
            pooled=None,
            sizes=torch.zeros(len(rows), 6),
            intrinsic=self.intrinsic[rows].float(),
            structure=self.structure[rows].float(),
            boxes=self.boxes[rows],
            present=self.present[rows],
            weights=self.weights[rows].float(),
        )


def read_people(
    base: Base,
    faces: FaceEncoder,
    world: World,
    folder: Path,
    *,
    pictures: int,
    people: tuple[int, int],
    files: PoolFiles = POOL_FILES,
) -> PeoplePool:
    """Return the first pictures of a world with people; those that the folder does not hold yet are drawn and encoded first.

    Args:
        base: its VAE encodes.
        faces: encodes portraits.
        world: draws, with regions.
        folder: of the encoded pictures; those of other networks, worlds or numbers are not taken for these.
        pictures: P; rounded up to whole files.
        people: fewest and most in a picture; N is the most.
        files: how they lie there.
    """
    place = folder / pool_name([base.vae, faces.backbone, faces.image_encoder], world, people)
    return PeoplePool(
        **read_parts(place, range(pictures), lambda numbers: _encode(base, faces, world, numbers, people), files)
    )


@torch.no_grad()
def _encode(base: Base, faces: FaceEncoder, world: World, numbers: range, people: tuple[int, int]) -> dict[str, Tensor]:
    scene = world.scenes(numbers, people=people)
    portraits = world.portraits(numbers, people=people[1])
    rows = range(numbers.start * people[1], numbers.stop * people[1])  # of numbers, one for each portrait
    features = faces.features(cut_faces(portraits, Draws(world.seed, tuple(rows))))
    shape = {"p": len(numbers), "n": people[1]}
    return {
        "latents": encode_pictures(base, scene.image),
        "tokens": caption_tokens([caption.text for caption in scene.captions]),
        "intrinsic": rearrange(features.intrinsic.half(), "1 (p n t) d -> p n t d", **shape),
        "structure": rearrange(features.structure.half(), "1 (p n t) d -> p n t d", **shape),
        "boxes": scene.boxes / world.size,
        "present": scene.present,
        "weights": part_weights(scene).half(),
    }
