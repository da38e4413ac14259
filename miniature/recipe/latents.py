"""Pictures of the world as latents and token ids, encoded once and kept on disk."""

from __future__ import annotations

import hashlib
import logging
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor
from torch.nn.functional import avg_pool2d

from ...models.clip_tokens import BOS, EOS, encode
from ...models.miniature.vae import FACTOR
from ...training.base import Base
from ...training.text_encoders import TOKENS
from ...training.whole_file import whole_file
from ..world import World

logger = logging.getLogger(__name__)

PART = 512  # pictures in a file: what an interruption costs
ROWS = 32  # encoded at once


@dataclass(frozen=True, eq=False, slots=True)
class Pool:
    """Pictures to train on.

    Attributes:
        latents: as the UNet takes them, scaled, (P, C, h, w) float32.
        tokens: of the captions, with what stands before and after them, (P, 77) int64.
        faces: share of every position that shows a face, (P, 1, h, w) float32.
    """

    latents: Tensor
    tokens: Tensor
    faces: Tensor


def read_pool(base: Base, world: World, folder: Path, *, pictures: range, people: tuple[int, int]) -> Pool:
    """Some pictures of a world; those that the folder does not hold yet are drawn and encoded first.

    Args:
        base: its trained VAE encodes.
        world: draws.
        folder: of the encoded pictures; those of another VAE, world or number of people are not taken for these.
        pictures: numbers of P pictures that follow each other; rounded up to whole files.
        people: fewest and most in a picture.
    """
    place = folder / _digest(base, world, people)
    parts: list[dict[str, Tensor]] = []
    for first in range(pictures.start, pictures.stop, PART):
        path = place / f"from-{first:08d}.safetensors"
        if not path.is_file():
            with whole_file(path) as partial:
                save_file(_encode(base, world, range(first, first + PART), people), partial)
            logger.info("Encoded pictures to %d of %d", first + PART, pictures.stop)
        parts.append(load_file(path))
    return Pool(**{name: torch.cat([part[name] for part in parts]) for name in parts[0]})


def token_ids(text: str) -> Tensor:
    """A prompt as SD1.5's text encoder takes it, (77,) int64."""
    ids = [BOS, *encode(text)[: TOKENS - 2]]
    return torch.tensor(ids + [EOS] * (TOKENS - len(ids)))


def encode_pictures(base: Base, pictures: Tensor) -> Tensor:
    """Latents as the UNet takes them, (B, C, h, w), of pictures (B, 3, H, W), 0–1."""
    encoded: Any = base.vae.encode(pictures * 2 - 1)  # pyright: ignore[reportArgumentType]
    return cast(Tensor, encoded.latent_dist.mean) * base.latent_scale


def encode_tokens(base: Base, tokens: Tensor) -> Tensor:
    """What the UNet reads of captions (B, 77): (B, 77, D)."""
    text: Any = base.text_encoders[0].module(tokens)
    return text.last_hidden_state


@torch.no_grad()
def _encode(base: Base, world: World, indices: range, people: tuple[int, int]) -> dict[str, Tensor]:
    latents: list[Tensor] = []
    tokens: list[Tensor] = []
    faces: list[Tensor] = []
    for start in range(indices.start, indices.stop, ROWS):
        scene = world.scenes(range(start, min(start + ROWS, indices.stop)), people=people)
        latents.append(encode_pictures(base, scene.image))
        tokens += [token_ids(caption.text) for caption in scene.captions]
        faces.append(avg_pool2d(scene.faces.sum(1, keepdim=True), FACTOR))
    return {"latents": torch.cat(latents).contiguous(), "tokens": torch.stack(tokens), "faces": torch.cat(faces)}


def _digest(base: Base, world: World, people: tuple[int, int]) -> str:
    """A name for what the latents depend on."""
    found = hashlib.blake2b(f"{world} {people}".encode(), digest_size=8)
    for tensor in base.vae.state_dict().values():
        found.update(tensor.numpy().tobytes())
    return found.hexdigest()
