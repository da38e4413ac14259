"""O1: how far the attention to the pivot's row and the face overlap."""

from __future__ import annotations

from dataclasses import replace

import torch
from torch import Tensor

from ...diffusers_host.attention_maps import AttentionMaps, nearest_level
from ...diffusers_host.base import Base
from ...models.omniportrait.checkpoint import OmniPortraitAdapter
from ...models.placement.region_mask import normalise
from ...models.port.word_attention import attention_columns
from ...training.batches.draws import Draws
from ...training.denoising import predict
from ...training.omniportrait.batch import PivotBatch
from ...training.omniportrait.face_localization import SIDE
from ..recipe.pivot_people import PivotPool, draw_pivot_people
from ..studio.pivots import Pivots
from ..world.world import World
from .arms import PIVOT_STRENGTH, ROWS
from .questions import SEED

BETA = 0.5  # attention scaled to 0–1 counts above it, as in Eq. 6
TIMESTEPS = (200, 400, 600, 800)  # at which attention is read


def questioned_people(base: Base, count: int) -> PivotPool:
    """Return the pictures and people of `new_questions` with one person each, as the pivot sees them."""
    return draw_pivot_people(base, World(seed=SEED, split="held out", with_regions=True), range(count))


@torch.no_grad()
def overlaps(base: Base, adapter: OmniPortraitAdapter, people: PivotPool, *, at_once: int = ROWS) -> list[float]:
    """Return how far faces and attention to the pivots' rows, as strong as in arms, overlap in noised pictures.

    Args:
        base: the miniature.
        adapter: puts people into their rows.
        people: pictures of them.
        at_once: pictures of which attention is read together.

    Returns:
        For every picture, the mean over `TIMESTEPS` of intersection over union: positions whose attention, scaled to 0–1,
        exceeds `BETA`, and those that the face covers by half.
    """
    found: list[Tensor] = []
    for start in range(0, len(people.latents), at_once):
        batch = people.rows_as_they_are(base, range(start, min(start + at_once, len(people.latents))))
        pivots = Pivots.of(adapter, batch.crops, batch.rows, strength=PIVOT_STRENGTH)
        told = replace(batch, text=pivots.fuse(batch.text))
        faces = batch.faces[:, 0] >= 0.5
        shares: list[Tensor] = []
        for timestep in TIMESTEPS:
            seen = _attention(base, told, timestep)
            meant = torch.stack([normalise(one.flatten()).view_as(one) for one in seen]) > BETA
            shares.append((meant & faces).sum((1, 2)) / (meant | faces).sum((1, 2)))
        found.append(torch.stack(shares).mean(0))
    return torch.cat(found).tolist()


def _attention(base: Base, told: PivotBatch, timestep: int) -> Tensor:
    """Return the mean attention of heads and layers to the first pivot's row in noised pictures, (B, h, w)."""
    noise = Draws(SEED, told.positions).normal(f"noise at {timestep}", told.latents.shape[1:])
    timesteps = torch.full((len(told.latents),), timestep)
    noisy: Tensor = base.schedule.add_noise(told.latents, noise, timesteps)  # pyright: ignore
    side = min(told.latents.shape[-2:])
    maps = AttentionMaps(
        base.unet,
        wants=nearest_level(base.unet, side, SIDE),
        read=lambda queries, keys: attention_columns(queries, keys, told.rows)[:, 0],
    )
    try:
        predict(base, noisy, timesteps, told)
    finally:
        maps.detach()
    return torch.stack(maps.take()).mean(0).unflatten(-1, told.latents.shape[-2:])
