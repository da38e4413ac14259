"""Pictures of people with references of everybody, encoded once and kept on disk: what adapters learn from."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from pathlib import Path

import torch
from einops import rearrange
from safetensors.torch import load_file, save_file
from torch import Tensor

from ...training.base import Base
from ...training.batch import Batch
from ...training.draws import Draws
from ...training.face_encoder import FaceEncoder
from ...training.feature_store import fingerprint
from ...training.whole_file import whole_file
from ..world import World
from .backbone import cut_faces
from .latents import encode_pictures, encode_tokens, token_ids

logger = logging.getLogger(__name__)

PART = 512  # pictures in a file
ROWS = 32  # encoded at once


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class PeoplePool:
    """Pictures with N people each.

    Attributes:
        latents: as the UNet takes them, (P, C, h, w) float32.
        tokens: of the captions, (P, 77) int64.
        intrinsic, structure: features of a portrait of everybody, (P, N, T, D) float16.
        boxes: of the faces, shares of width and height, (P, N, 4) float32.
        present: who is there, (P, N) bool.
    """

    latents: Tensor
    tokens: Tensor
    intrinsic: Tensor
    structure: Tensor
    boxes: Tensor
    present: Tensor

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
        )


def read_people(
    base: Base, faces: FaceEncoder, world: World, folder: Path, *, pictures: int, people: tuple[int, int]
) -> PeoplePool:
    """The first pictures of a world with people; those that the folder does not hold yet are drawn and encoded first.

    Args:
        base: its VAE encodes.
        faces: encodes portraits.
        world: draws.
        folder: of the encoded pictures; those of other networks, worlds or numbers are not taken for these.
        pictures: P; rounded up to whole files.
        people: fewest and most in a picture; N is the most.
    """
    seen = fingerprint([base.vae, faces.backbone, faces.image_encoder])
    place = folder / f"{seen}-{world.split}-{world.size}-seed{world.seed}-{people[0]}to{people[1]}"
    parts: list[dict[str, Tensor]] = []
    for first in range(0, pictures, PART):
        path = place / f"from-{first:08d}.safetensors"
        if not path.is_file():
            with whole_file(path) as partial:
                save_file(_encode(base, faces, world, range(first, first + PART), people), partial)
            logger.info("Encoded %d of %d pictures with people", first + PART, pictures)
        parts.append(load_file(path))
    return PeoplePool(**{name: torch.cat([part[name] for part in parts]) for name in parts[0]})


@torch.no_grad()
def _encode(base: Base, faces: FaceEncoder, world: World, indices: range, people: tuple[int, int]) -> dict[str, Tensor]:
    found: dict[str, list[Tensor]] = {}
    for start in range(indices.start, indices.stop, ROWS):
        numbers = range(start, min(start + ROWS, indices.stop))
        scene = world.scenes(numbers, people=people)
        portraits = world.portraits(numbers, people=people[1])
        rows = Draws(world.seed, tuple(range(start * people[1], start * people[1] + len(portraits.image))))
        features = faces.features(cut_faces(portraits, rows))
        shape = {"p": len(numbers), "n": people[1]}
        part = {
            "latents": encode_pictures(base, scene.image),
            "tokens": torch.stack([token_ids(caption.text) for caption in scene.captions]),
            "intrinsic": rearrange(features.intrinsic.half(), "1 (p n t) d -> p n t d", **shape),
            "structure": rearrange(features.structure.half(), "1 (p n t) d -> p n t d", **shape),
            "boxes": scene.boxes / world.size,
            "present": scene.present,
        }
        for name, tensor in part.items():
            found.setdefault(name, []).append(tensor)
    return {name: torch.cat(tensors).contiguous() for name, tensors in found.items()}
