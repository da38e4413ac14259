"""O7: how well the attention to a noun says where the head is, before and after Eq. 6."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn.functional import adaptive_avg_pool2d

from ...diffusers_host.base import Base
from ...diffusers_host.noise_levels import nearest_timestep
from ...diffusers_host.prompted import Prompted
from ...diffusers_host.word_attention import note_attention
from ...models.placement.region_mask import clean_mask, normalise, refine_with
from ...models.port.attention import Run
from ...models.port.word_attention import WordAttention
from ..recipe.latents import encode_pictures
from ..recipe.pivot_people import noun_rows
from .judging import Values
from .questions import Questions

GAMMA, ALPHA, BETA = 3, 2.0, 0.5  # of Eq. 6
SIGMAS = (0.57, 1.05, 2.28)
ROWS = 16  # pictures at once
METRICS = tuple(f"overlap at σ {sigma:g}" for sigma in SIGMAS)
WAYS = RAW, REFINED, CLEANED = "threshold alone", "Eq. 6", "Eq. 6, largest part, filled and widened"


def measure(base: Base, questions: Questions, heads: Tensor, *, at_once: int = ROWS) -> dict[str, Values]:
    """Return the intersection over union of masks with heads, on true pictures with noise.

    Args:
        base: the miniature.
        questions: of one person each.
        heads: on the true pictures, (P, S, S).
        at_once: pictures of which attention is read together.

    Returns:
        By way of making masks, by noise level.
    """
    values: dict[str, Values] = {name: {} for name in WAYS}
    for metric, sigma in zip(METRICS, SIGMAS, strict=True):
        for start in range(0, len(questions), at_once):
            rows = slice(start, start + at_once)
            attention = _attention(base, questions, rows, sigma)
            for number, head in enumerate(adaptive_avg_pool2d(heads[rows], attention.grid) >= 0.5):
                for name, mask in _masks(attention.row(number)).items():
                    values[name].setdefault(metric, []).append(_overlap(mask, head))
    return values


@torch.no_grad()
def _attention(base: Base, questions: Questions, rows: slice, sigma: float) -> WordAttention:
    captions = questions.scene.captions[rows]
    prompted = Prompted.of(base, [caption.text for caption in captions], Run())
    latents = encode_pictures(base, questions.scene.image[rows])
    noisy = (latents + questions.noise[rows] * sigma) / (1 + sigma**2) ** 0.5
    grid = (latents.shape[-2], latents.shape[-1])
    with note_attention(base.unet, noun_rows(captions), grid) as notes:
        prompted.positive(noisy, nearest_timestep(sigma), sigma)
    return notes.collect()


def _masks(attention: WordAttention) -> dict[str, Tensor]:
    """Return the masks of the first person, (h, w) bool each, by how they were made."""
    column = attention.columns[0].flatten()
    _, hard = refine_with(column, lambda values: attention.spread(values[None])[0], gamma=GAMMA, alpha=ALPHA, beta=BETA)
    refined = hard.unflatten(0, attention.grid)
    return {
        RAW: (normalise(column) > BETA).unflatten(0, attention.grid),
        REFINED: refined,
        CLEANED: clean_mask(refined),
    }


def _overlap(mask: Tensor, head: Tensor) -> float:
    return float((mask & head).sum() / (mask | head).sum())
