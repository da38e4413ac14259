"""The grid of latent positions on which a layer of the UNet works."""

from __future__ import annotations

import math

from ...models.errors import LikenessError


def grid_at(size: tuple[int, int], level: int) -> tuple[int, int]:
    """Return the grid (h, w) of a latent (H, W) after a number of halvings."""
    return math.ceil(size[0] / 2**level), math.ceil(size[1] / 2**level)


def grid_of(told: tuple[int, ...], size: tuple[int, int], positions: int) -> tuple[int, int]:
    """Return the grid (h, w) of a layer.

    Args:
        told: what the host says of it; empty, or another one than the layer's, where it does not know.
        size: (H, W) of the latent.
        positions: L of the layer.

    Raises:
        LikenessError: if the positions are no grid of the latent.
    """
    if len(told) == 2 and told[0] * told[1] == positions:
        return told[0], told[1]
    height, width = size
    shrink = math.sqrt(height * width / positions)
    grid = math.ceil(height / shrink - 1e-6), math.ceil(width / shrink - 1e-6)
    if grid[0] * grid[1] != positions:
        raise LikenessError(
            f"An attention layer has {positions} positions, which is no grid of a {height}×{width} latent; "
            "remove the node that merges or drops tokens."
        )
    return grid
