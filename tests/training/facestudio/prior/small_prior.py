"""A tiny prior in training, batches for it, and a tiny text tower."""

from __future__ import annotations

from pathlib import Path

import torch
from likeness.models.clip.prior import PriorSizes
from likeness.tests.diffusers_host.small_checkpoints import TEXT, narrowed
from likeness.tools.weights import layouts
from likeness.tools.weights.write import fill
from likeness.training.facestudio.prior.batch import PairBatch
from likeness.training.facestudio.prior.method import PriorMethod
from likeness.training.facestudio.prior.networks import new_prior
from safetensors.torch import save_file
from torch import Tensor

SIZES = PriorSizes(width=24, dim_head=8, depth=2, embedding=10, text=6, text_tokens=5)
MEAN, STD = torch.linspace(-2, 2, 10), torch.linspace(0.5, 3, 10)
TOWER = 64  # width of the tiny tower


def method(*, seed=0, drop=0.0) -> PriorMethod:
    return PriorMethod(new_prior(SIZES, MEAN, STD, seed=seed), seed=seed, drop=drop)


def texts(rows: int, seed: int) -> tuple[Tensor, Tensor, Tensor]:
    generator = torch.Generator().manual_seed(seed)
    lengths = 1 + torch.arange(rows) % 5
    mask = (torch.arange(5) < lengths[:, None]).float()
    return torch.randn(rows, 5, 6, generator=generator), torch.randn(rows, 6, generator=generator), mask


def small_batch(rows=4, *, first=0) -> PairBatch:
    """Rows of the run from `first` on; what a row shows depends on its place, and its embedding on its text."""
    made = [texts(1, seed=place) for place in range(first, first + rows)]
    hidden, pooled, mask = (torch.cat(each) for each in zip(*made, strict=True))
    empty = texts(1, seed=999)
    to_embedding = torch.randn(6, 10, generator=torch.Generator().manual_seed(5))
    return PairBatch(
        positions=tuple(range(first, first + rows)),
        hidden=hidden,
        pooled=pooled,
        mask=mask,
        empty_hidden=empty[0],
        empty_pooled=empty[1],
        empty_mask=empty[2],
        embedding=MEAN + STD * torch.tanh(pooled @ to_embedding),
    )


def tower_weights() -> dict[str, Tensor]:
    """A tiny CLIP text tower in transformers' layout."""
    layout = {f"text_model.{key}": shape for key, shape in narrowed(layouts.clip_text(), TEXT, 1).items()}
    return fill({"": {**layout, "text_projection.weight": (TOWER, TOWER)}}, torch.float32)[""]


def write_tower(path: Path) -> Path:
    save_file(tower_weights(), path)
    return path
