"""A tiny IP-Adapter FaceID on a tiny base, and batches for it."""

from __future__ import annotations

from pathlib import Path

import torch
from likeness.tests.models.face import synthetic_detectors
from likeness.tests.training.small_world import WIDTH, small_base
from likeness.training.ip_adapter.batch import FaceBatch
from likeness.training.ip_adapter.method import Dropping, FaceID
from likeness.training.ip_adapter.networks import FaceIDNetworks, new_networks

VECTOR = 6
NO_DROPS = Dropping(face=0, text=0, both=0)


def small_networks(base, *, rank=2, seed=0) -> FaceIDNetworks:
    return new_networks(base.unet, vector=VECTOR, rank=rank, seed=seed)


def faceid(family="sd15", *, prediction="eps", dropping=NO_DROPS, seed=0) -> FaceID:
    base = small_base(family, prediction)
    return FaceID(base, small_networks(base), seed=seed, dropping=dropping)


def small_batch(rows=2, *, family="sd15", first=0) -> FaceBatch:
    """Rows of the run from `first` on; what a row shows depends on its place."""
    made = []
    for place in range(first, first + rows):
        generator = torch.Generator().manual_seed(place)
        shapes = {"latents": (4, 8, 8), "text": (7, WIDTH), "pooled": (16,), "vectors": (VECTOR,)}
        made.append({name: torch.randn(*shape, generator=generator) for name, shape in shapes.items()})
    stacked = {name: torch.stack([one[name] for one in made]) for name in made[0]}
    if family == "sd15":
        stacked["pooled"] = None
    generator = torch.Generator().manual_seed(999)
    return FaceBatch(
        positions=tuple(range(first, first + rows)),
        empty=torch.randn(1, 7, WIDTH, generator=generator),
        empty_pooled=None if family == "sd15" else torch.randn(1, 16, generator=generator),
        sizes=torch.tensor([[64, 64, 0, 0, 64, 64]]).expand(rows, -1),
        **stacked,
    )


def write_recogniser(path: Path) -> Path:
    """An ArcFace model that tells colours apart."""
    synthetic_detectors.arcface(path)
    return path
