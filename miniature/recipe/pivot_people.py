"""What OmniPortrait learns from: pictures of one person, the row of their noun, and their face in another portrait."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import cast

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import avg_pool2d, interpolate

from ...diffusers_host.base import Base
from ...models.clip import text_ids
from ...models.images.layout import arrays_from_images
from ...models.miniature.vae import FACTOR
from ...training.batches.draws import Draws
from ...training.omniportrait.batch import PivotBatch
from ...training.omniportrait.crops import augment as augment_crops
from ...training.omniportrait.crops import cut_wide, middle
from ..world.captions import Caption
from ..world.regions import Region
from ..world.scene import Scene
from ..world.world import World
from .augment import augment
from .emphasis import part_weights
from .latents import caption_tokens, encode_pictures, encode_tokens
from .pool_files import POOL_FILES, PoolFiles, pool_name, read_parts

WIDE = 90  # side of the wider crops that are kept, pixels: crops of 70, of which the encoder sees 64
JITTER = 0.04  # how far a box is from where it is, of its size, standard deviation
HEAD = tuple(region for region in Region if region is not Region.OTHER)


@dataclass(frozen=True, eq=False, slots=True)
class PivotPool:
    """P pictures of one person each.

    Attributes:
        latents: (P, C, h, w).
        tokens: of the captions, (P, 77) int64.
        rows: of the nouns' last tokens, (P, 1) int64.
        faces: share of every position that shows the face, (P, 1, h, w) float16.
        crops: the face and more of it in another portrait, (P, 1, 3, W, W) uint8.
        heads: how much of each pixel of the crops shows the head, of 255, (P, 1, W, W) uint8.
        codes: who it is, (P, 7) int64.
        weights: of the positions in the loss, see `part_weights`, (P, 1, h, w) float16.
    """

    latents: Tensor
    tokens: Tensor
    rows: Tensor
    faces: Tensor
    crops: Tensor
    heads: Tensor
    codes: Tensor
    weights: Tensor

    def batch(self, base: Base, draws: Draws) -> PivotBatch:
        """Return a batch of pictures drawn from the pool, a row for each row of numbers."""
        rows = draws.integers("picture", len(self.latents))
        return self._batch(base, rows, draws.positions, self.changed_crops(rows, draws))

    def rows_as_they_are(self, base: Base, rows: range) -> PivotBatch:
        """Return some pictures of the pool in order, their crops unchanged."""
        crops = middle(self.crops[rows.start : rows.stop].float() / 255)
        return self._batch(base, torch.arange(rows.start, rows.stop), tuple(rows), crops)

    def changed_crops(self, rows: Tensor, draws: Draws) -> Tensor:
        """The crops of some pictures as if from other photos, (B, 1, 3, s, s), 0–1."""
        return augment_crops(self.crops[rows].float() / 255, self.heads[rows].float() / 255, draws)

    def _batch(self, base: Base, rows: Tensor, positions: tuple[int, ...], crops: Tensor) -> PivotBatch:
        with torch.no_grad():
            text = encode_tokens(base, torch.cat((caption_tokens([""]), self.tokens[rows])))
        return PivotBatch(
            positions=positions,
            latents=self.latents[rows],
            text=text[1:],
            empty=text[:1],
            pooled=None,
            empty_pooled=None,
            sizes=torch.zeros(len(rows), 6),
            crops=crops,
            rows=self.rows[rows],
            faces=self.faces[rows].float(),
            present=torch.ones(len(rows), 1, dtype=torch.bool),
            weights=self.weights[rows].float(),
        )


def read_pivot_people(
    base: Base, world: World, folder: Path, *, pictures: int, files: PoolFiles = POOL_FILES
) -> PivotPool:
    """Return the first pictures of a world; those that the folder does not hold yet are drawn and encoded first.

    Args:
        base: its VAE encodes.
        world: draws; with regions.
        folder: of the encoded pictures; those of another VAE, world or number are not taken for these.
        pictures: P; rounded up to whole files.
        files: how they lie there.
    """
    place = folder / pool_name([cast(nn.Module, base.vae)], world, (1, 1))
    return PivotPool(**read_parts(place, range(pictures), lambda numbers: _encode(base, world, numbers), files))


def draw_pivot_people(base: Base, world: World, numbers: range) -> PivotPool:
    """Draw pictures of a world and encode them, kept nowhere; for experiments."""
    return PivotPool(**_encode(base, world, numbers))


def noun_rows(captions: tuple[Caption, ...]) -> Tensor:
    """Return the rows of the last token of everybody's noun, (B, N) int64; all captions are of as many people."""
    return torch.tensor([[len(text_ids(each.text[:end])) for _, end in each.nouns] for each in captions])


def cut_portraits(portraits: Scene, draws: Draws) -> tuple[Tensor, Tensor]:
    """Cut faces and more of augmented portraits, as a detector that is a little amiss would have them cut.

    Args:
        portraits: one person each, with regions.
        draws: a row for each.

    Returns:
        Pixels (B, 3, W, W) and how much of each is the head, (B, W, W); both uint8.
    """
    assert portraits.regions is not None
    boxes = portraits.boxes[:, 0]
    size = (boxes[:, 2:] - boxes[:, :2]).repeat(1, 2)
    boxes = boxes + JITTER * size * draws.normal("amiss", (4,))
    heads = portraits.regions[:, 0, list(HEAD)].sum(1).clamp(max=1)
    pictures = arrays_from_images(augment(portraits.image, draws).permute(0, 2, 3, 1))
    maps = [(each.numpy() * 255).round().astype(np.uint8) for each in heads]
    places: list[tuple[float, float, float, float]] = [tuple(box) for box in boxes.double().tolist()]
    return (
        _small([cut_wide(picture, box) for picture, box in zip(pictures, places, strict=True)]),
        _small([cut_wide(each, box)[..., None] for each, box in zip(maps, places, strict=True)])[:, 0],
    )


@torch.no_grad()
def _encode(base: Base, world: World, numbers: range) -> dict[str, Tensor]:
    scene, portraits = world.scenes(numbers), world.portraits(numbers)
    crops, heads = cut_portraits(portraits, Draws(world.seed, tuple(numbers)))
    return {
        "latents": encode_pictures(base, scene.image),
        "tokens": caption_tokens([caption.text for caption in scene.captions]),
        "rows": noun_rows(scene.captions),
        "faces": avg_pool2d(scene.faces, FACTOR).half(),
        "crops": crops[:, None],
        "heads": heads[:, None],
        "codes": scene.codes[:, 0],
        "weights": part_weights(scene).half(),
    }


def _small(wide: list[np.ndarray]) -> Tensor:
    """Return (B, C, W, W) uint8 of (288, 288, C) uint8 each, resized."""
    pixels = torch.from_numpy(np.stack(wide)).permute(0, 3, 1, 2).float()
    return interpolate(pixels, (WIDE, WIDE), mode="bicubic", antialias=True).clamp(0, 255).round().byte()
