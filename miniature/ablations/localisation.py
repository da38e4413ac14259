"""O1: the face localisation loss keeps the attention to the pivot's row on the face. Its arms, and how it is measured."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import torch
from torch import Tensor

from ...models.omniportrait.checkpoint import OmniPortraitAdapter
from ...models.omniportrait.face_localization import SIDE
from ...models.omniportrait.region_mask import normalised
from ...models.word_attention import attention_columns
from ...training.attention_maps import AttentionMaps, nearest_level
from ...training.base import Base
from ...training.denoising import predict
from ...training.draws import Draws
from ...training.omniportrait import PivotTraining
from ...training.omniportrait_batch import PivotBatch
from ...training.portrait_crops import middle
from ..judge.judge import Judge
from ..judge.readers import Reader
from ..recipe.omniportrait import read_pivot
from ..recipe.pivot_people import PivotPool, draw_pivot_people
from ..recipe.plan import SHIPPED_PIVOT, PivotArm
from ..recipe.stages import Kitchen
from ..studio.drawing import Settings, decode, draw_latents
from ..studio.pivots import Pivots, pivots_in
from ..world import World
from .arms import ROWS
from .claims import Claim, Experiment
from .judging import Values, judge_arm
from .questions import SEED, Questions

BETA = 0.5  # attention scaled to 0–1 counts above it, as in Eq. 6
TIMESTEPS = (200, 400, 600, 800)  # at which attention is read
OVERLAP = "overlap"
WITHOUT, PAPERS, STRICT = "η = 0", "η = 0.002", "η = 0.02"
ARMS: Mapping[str, PivotArm] = {
    WITHOUT: PivotArm(" without localisation", PivotTraining(eta=0.0)),
    PAPERS: SHIPPED_PIVOT,
    STRICT: PivotArm(" with ten times the localisation", PivotTraining(eta=2e-2)),
}
O1 = Experiment(
    "O1",
    "The face localisation loss keeps the attention to the pivot's row on the face (figure 16); more of it costs text.",
    1,
    tuple(ARMS),
    (
        Claim(OVERLAP, PAPERS, WITHOUT, "higher"),
        Claim(OVERLAP, STRICT, PAPERS, "higher"),
        Claim("text", STRICT, WITHOUT, "lower"),
    ),
    (OVERLAP, "identity", "text"),
)


def measure_arms(
    kitchen: Kitchen, base: Base, judge: Judge, expressions: Reader, asked: Questions
) -> dict[str, Values]:
    """Train what is not there yet, draw and judge all arms of O1; gives the values by arm."""
    people = questioned_people(base, len(asked))
    adapters = {name: read_pivot(kitchen.omniportrait(base, arm)) for name, arm in ARMS.items()}
    return {
        name: judge_arm(judge, expressions, draw_pivots(base, adapter, asked, people), asked)
        | {OVERLAP: overlaps(base, adapter, people)}
        for name, adapter in adapters.items()
    }


def questioned_people(base: Base, count: int) -> PivotPool:
    """The pictures and people of `new_questions` with one person each, as the pivot sees them."""
    return draw_pivot_people(base, World(seed=SEED, split="held out", with_regions=True), range(count))


@torch.no_grad()
def overlaps(base: Base, adapter: OmniPortraitAdapter, people: PivotPool) -> list[float]:
    """How far attention to the pivots' rows and faces overlap in noised pictures.

    Args:
        base: the miniature.
        adapter: puts people into their rows.
        people: pictures of them.

    Returns:
        For every picture, the mean over `TIMESTEPS` of intersection over union: positions whose attention, scaled to 0–1,
        exceeds `BETA`, and those that the face covers by half.
    """
    found: list[Tensor] = []
    for start in range(0, len(people.latents), ROWS):
        batch = people.rows_as_they_are(base, range(start, min(start + ROWS, len(people.latents))))
        told = replace(batch, text=_pivots(adapter, batch).fused(batch.text))
        faces = batch.faces[:, 0] >= 0.5
        shares: list[Tensor] = []
        for timestep in TIMESTEPS:
            seen = _attention(base, told, timestep)
            meant = torch.stack([normalised(one.flatten()).view_as(one) for one in seen]) > BETA
            shares.append((meant & faces).sum((1, 2)) / (meant | faces).sum((1, 2)))
        found.append(torch.stack(shares).mean(0))
    return torch.cat(found).tolist()


@torch.no_grad()
def draw_pivots(
    base: Base, adapter: OmniPortraitAdapter | None, asked: Questions, people: PivotPool, *, moved: int = 0
) -> Tensor:
    """Draw all questions with people in the rows of their nouns.

    Args:
        base: the miniature.
        adapter: None draws with the base alone.
        asked: the questions, of one person each.
        people: of `questioned_people`.
        moved: how far people are moved on among the questions: other people's portraits.

    Returns:
        The pictures, (P, 3, H, W), 0–1.
    """
    drawn: list[Tensor] = []
    for start in range(0, len(asked), ROWS):
        rows = slice(start, start + ROWS)
        batch = people.rows_as_they_are(base, range(start, min(start + ROWS, len(asked))))
        shown = replace(batch, crops=middle(people.crops.roll(moved, 0)[rows].float() / 255))
        prompts = [caption.text for caption in asked.scene.captions[rows]]
        with pivots_in(base, None if adapter is None else _pivots(adapter, shown)):
            drawn.append(decode(base, draw_latents(base, prompts, asked.noise[rows], Settings())))
    return torch.cat(drawn)


def _pivots(adapter: OmniPortraitAdapter, batch: PivotBatch) -> Pivots:
    faces = adapter.image_encoder(batch.crops.flatten(0, 1)).unflatten(0, batch.rows.shape)
    return Pivots(pivot=adapter.pivot, faces=faces, rows=batch.rows)


def _attention(base: Base, told: PivotBatch, timestep: int) -> Tensor:
    """Mean attention of heads and layers to the first pivot's row, of pictures noised to a timestep, (B, h, w)."""
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
