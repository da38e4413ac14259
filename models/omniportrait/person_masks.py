"""Masks of several people while a picture is drawn: without overlap, at the features' grid, with soft edges."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn.functional import adaptive_avg_pool2d, adaptive_max_pool2d, avg_pool2d

INSIDE = 0.5
FEATHER = 1  # cells of the latent across which a mask's edge goes from 1 to 0, on either side


def disjoint_masks(soft: Tensor) -> Tensor:
    """Masks of people that do not overlap: a place that several claim goes to the highest claim, of equal ones to the first.

    Args:
        soft: claims, (N, B, H, W), above 0.5 inside.

    Returns:
        (N, B, H, W) bool.
    """
    claimed = soft > INSIDE
    owner = soft.masked_fill(~claimed, -torch.inf).argmax(0)
    return claimed & (torch.arange(len(soft), device=soft.device)[:, None, None, None] == owner)


def positions_inside(mask: Tensor, grid: tuple[int, int]) -> Tensor:
    """The positions of a coarser grid that are for the most part inside a mask; where none is, those that are touched by it.

    Args:
        mask: (B, H, W) bool.
        grid: (h, w).

    Returns:
        (B, h·w) bool, row-major.
    """
    filled = mask.float()[:, None]
    mostly = adaptive_avg_pool2d(filled, grid).flatten(1) >= INSIDE
    touched = adaptive_max_pool2d(filled, grid).flatten(1) > 0
    return torch.where(mostly.any(1, keepdim=True), mostly, touched)


def feather(mask: Tensor) -> Tensor:
    """A mask (B, H, W) bool with soft edges, 0 farther out than one cell, (B, 1, H, W) float32."""
    side = 2 * FEATHER + 1
    return avg_pool2d(mask.float()[:, None], side, stride=1, padding=FEATHER, count_include_pad=False)
