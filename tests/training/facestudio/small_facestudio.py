"""A tiny FaceStudio on a tiny base, and batches for it."""

from __future__ import annotations

from pathlib import Path

import torch
from likeness.models.facestudio.description import Description
from likeness.tests.training.small_world import small_base
from likeness.tools.weights import layouts
from likeness.tools.weights.write import fill
from likeness.training.facestudio.batch import StyleBatch
from likeness.training.facestudio.method import Dropping, FaceStudio
from likeness.training.facestudio.networks import FaceStudioNetworks, new_networks
from likeness.training.facestudio.start import Start
from safetensors.torch import save_file

STYLE, FACE, POOLED = 10, 6, 16
START = Start(style=STYLE, length=10.0, spread=1.0)
DESCRIPTION = Description(encoder="other", space="small", face_width=FACE)
NO_DROPS = Dropping(style=0, face=0)


def small_networks(base, *, form="light", rank=2, seed=0, tokens=8) -> FaceStudioNetworks:
    empty = torch.linspace(-1, 1, POOLED) if base.family == "sdxl" else None
    return new_networks(base.unet, START, seed=seed, form=form, rank=rank, tokens=tokens, face=FACE, empty=empty)


def facestudio(family="sd15", *, form="light", prediction="eps", dropping=NO_DROPS, seed=0) -> FaceStudio:
    base = small_base(family, prediction)
    return FaceStudio(base, small_networks(base, form=form), seed=seed, dropping=dropping)


def small_batch(rows=2, *, first=0) -> StyleBatch:
    """Rows of the run from `first` on; what a row shows depends on its place, and every fourth shows nobody."""
    made = []
    for place in range(first, first + rows):
        generator = torch.Generator().manual_seed(place)
        face = torch.nn.functional.normalize(torch.randn(FACE, generator=generator), dim=-1)
        made.append(
            {
                "latents": torch.randn(4, 8, 8, generator=generator),
                "style": 3 * torch.randn(STYLE, generator=generator),
                "face": face * (place % 4 != 3),
            }
        )
    stacked = {name: torch.stack([one[name] for one in made]) for name in made[0]}
    return StyleBatch(
        positions=tuple(range(first, first + rows)),
        sizes=torch.tensor([[64, 64, 0, 0, 64, 64]]).expand(rows, -1),
        **stacked,
    )


def write_style(path: Path, *, seed: int = 0, outputs: int = 768) -> Path:
    """A tiny CLIP vision model in transformers' layout, whose embeddings are as wide as ViT-L/14's."""
    layout = {**layouts.clip_vision(1, 64), "visual_projection.weight": (outputs, 64)}
    torch.manual_seed(seed)
    weights = fill({"": layout}, torch.float32)[""]
    weights["visual_projection.weight"] = torch.randn(outputs, 64) / 8
    save_file(weights, path)
    return path
