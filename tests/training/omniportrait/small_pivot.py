"""A tiny pivot in training, and pictures of two people for it."""

from __future__ import annotations

import torch
from likeness.models.omniportrait.pivot_id_encoder import PivotIDEncoder
from likeness.tests.models.omniportrait.small_adapter import CONFIG, small_encoder
from likeness.tests.training.numbered_rows import numbered, randn
from likeness.tests.training.small_world import WIDTH, small_base
from likeness.training.omniportrait.batch import PivotBatch
from likeness.training.omniportrait.method import OmniPortraitPivot, PivotTraining

KEPT, DROPPED = PivotTraining(drop=0), PivotTraining(drop=1)


ROWS = ((4, 2), (1, 6), (3, 5), (2, 4))  # of S = 7


THERE = ((True, True), (True, False), (True, True), (True, False))


def small_batch(rows=3, *, family="sd15", first=0, position=None):
    """Rows of the run from `first` on; what a row shows depends on its number."""
    numbers, position = range(first, first + rows), first if position is None else position
    stacked = numbered(numbers)
    kinds = [number % len(ROWS) for number in numbers]
    is_sdxl = family == "sdxl"
    return PivotBatch(
        positions=tuple(range(position, position + rows)),
        latents=stacked(1, 4, 8, 8),
        text=stacked(2, 7, WIDTH),
        empty=randn(7, 1, 7, WIDTH),
        pooled=stacked(3, 16) if is_sdxl else None,
        empty_pooled=randn(8, 1, 16) if is_sdxl else None,
        sizes=torch.tensor([[64, 64, 0, 0, 64, 64]]).expand(rows, -1),
        crops=stacked(4, 2, 3, 20, 20).sigmoid(),
        rows=torch.tensor([ROWS[kind] for kind in kinds]),
        faces=(stacked(5, 2, 8, 8) > 0).float(),
        present=torch.tensor([THERE[kind] for kind in kinds]),
    )


def new_method(family="sd15", *, training=KEPT, seed=0, prediction="eps", stored=None):
    torch.manual_seed(1)
    pivot = PivotIDEncoder(CONFIG.embed_dim, WIDTH)
    torch.nn.init.normal_(pivot.fusion.weight, std=0.3)
    return OmniPortraitPivot(
        small_base(family, prediction), pivot, small_encoder(), side=8, seed=seed, training=training, stored=stored
    )
