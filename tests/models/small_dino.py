"""A narrow DINO with random weights under the published names."""

from __future__ import annotations

import torch
from likeness.models.similarity.dino import DINO
from torch import Tensor

HEAD = 8


def weights(*, dim: int = 16, depth: int = 2, patch: int = 8, size: int = 32) -> dict[str, Tensor]:
    """A state dict."""
    with torch.device("meta"):
        shapes = DINO(dim=dim, depth=depth, heads=dim // HEAD, patch=patch, image_size=size).network.state_dict()
    generator = torch.Generator().manual_seed(0)
    return {key: torch.randn(t.shape, generator=generator) / t.shape[-1] ** 0.5 for key, t in shapes.items()}
