"""Masks on the grid of a layer as other programs guess it, to draw what they would; ours know the grid (`placement/masks.py`)."""

from __future__ import annotations

import math

from likeness.models.placement.masks import to_grid
from torch import Tensor
from torch.nn.functional import pad


def as_diffusers(masks: Tensor, positions: int) -> Tensor:
    """Masks as diffusers' attention processors resize them: the grid from the mask's own shape, bicubic.

    Args:
        masks: (M, H, W), 0–1.
        positions: L of the layer.

    Returns:
        (M, L); values may leave 0–1. Where the guessed grid has another number of positions, the end is cut or filled with 0.
    """
    height, width = masks.shape[-2:]
    resized = to_grid(masks, _grid(math.sqrt(positions / (width / height)), positions), mode="bicubic")
    return pad(resized, (0, positions - resized.shape[1]))


def as_ipadapter_plus(masks: Tensor, latent: tuple[int, int], positions: int) -> Tensor:
    """Masks as ComfyUI_IPAdapter_plus resizes them: the grid from the latent's shape, bilinear.

    Args:
        masks: (M, H, W), 0–1.
        latent: (h, w) of the latent.
        positions: L of the layer.

    Returns:
        (M, L). Where the guessed grid has another number of positions, both ends are cut or filled with 0.
    """
    height, width = latent
    resized = to_grid(masks, _grid(height / math.sqrt(height * width / positions), positions))
    missing = positions - resized.shape[1]
    return pad(resized, (missing // 2, missing - missing // 2))


def _grid(height: float, positions: int) -> tuple[int, int]:
    rows = max(1, int(height))
    rows += positions % rows != 0
    return rows, positions // rows
