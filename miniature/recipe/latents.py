"""Pictures of the world as latents and token ids, encoded once and kept on disk."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import torch
from torch import Tensor, nn
from torch.nn.functional import avg_pool2d

from ...diffusers_host.base import Base
from ...diffusers_host.text_encoders import token_ids
from ...models.clip import EOS
from ...models.miniature.vae import FACTOR
from ..world.world import World
from .pool_files import POOL_FILES, PoolFiles, pool_name, read_parts


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


def read_pool(
    base: Base,
    world: World,
    folder: Path,
    *,
    pictures: range,
    people: tuple[int, int],
    files: PoolFiles = POOL_FILES,
) -> Pool:
    """Return some pictures of a world; those that the folder does not hold yet are drawn and encoded first.

    Args:
        base: its trained VAE encodes.
        world: draws.
        folder: of the encoded pictures; those of another VAE, world or number of people are not taken for these.
        pictures: numbers of P pictures that follow each other; rounded up to whole files.
        people: fewest and most in a picture.
        files: how they lie there.
    """
    place = folder / pool_name([cast(nn.Module, base.vae)], world, people)
    return Pool(**read_parts(place, pictures, lambda numbers: _encode(base, world, numbers, people), files))


def caption_tokens(texts: Sequence[str]) -> Tensor:
    """Return captions as SD1.5's text encoder takes them, (B, 77) int64."""
    return torch.tensor([token_ids(text, EOS) for text in texts])


def encode_pictures(base: Base, pictures: Tensor) -> Tensor:
    """Return the latents as the UNet takes them, (B, C, h, w), of pictures (B, 3, H, W), 0–1."""
    encoded: Any = base.vae.encode(pictures * 2 - 1)  # pyright: ignore[reportArgumentType]
    return cast(Tensor, encoded.latent_dist.mean) * base.latent_scale


def encode_tokens(base: Base, tokens: Tensor) -> Tensor:
    """Return what the UNet reads of captions (B, 77): (B, 77, D)."""
    text: Any = base.text_encoders[0].module(tokens)
    return text.last_hidden_state


@torch.no_grad()
def _encode(base: Base, world: World, numbers: range, people: tuple[int, int]) -> dict[str, Tensor]:
    scene = world.scenes(numbers, people=people)
    return {
        "latents": encode_pictures(base, scene.image),
        "tokens": caption_tokens([caption.text for caption in scene.captions]),
        "faces": avg_pool2d(scene.faces.sum(1, keepdim=True), FACTOR),
    }
