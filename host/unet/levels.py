"""How coarse the blocks of a UNet are, and the grids of latent positions on which their layers work."""

from __future__ import annotations

import math
from typing import Any, Literal

from comfy.ldm.modules.diffusionmodules.openaimodel import Downsample, UNetModel, Upsample

from ...models.errors import LikenessError
from ...models.port.guidance import FeatureCapture

Detail = Literal["coarse", "fine"]
DEEPEST = 3  # halvings of SD1.5; SDXL has two


def halvings(unet: UNetModel) -> dict[tuple[str, int], int]:
    """How often the side of the latent is halved where the attention layers of each block run, by stage and number."""
    found: dict[tuple[str, int], int] = {}
    level = 0
    for number, block in enumerate(unet.input_blocks):
        level += _has(block, Downsample)
        found["input", number] = level
    found["middle", 0] = level
    for number, block in enumerate(unet.output_blocks):
        found["output", number] = level  # a block makes its result larger at its end
        level -= _has(block, Upsample)
    return found


def choose_capture(unet: UNetModel, detail: Detail) -> FeatureCapture:
    """Where features are read.

    Args:
        unet: the network.
        detail: "coarse" at half of the latent's side: output block 5 of SD1.5 (DIFT's choice) and 2 of SDXL; "fine" at all
            of it: 8 and 5.
    """
    larger = [number for number, block in enumerate(unet.output_blocks) if _has(block, Upsample)]
    return FeatureCapture(larger[-1] if detail == "fine" or len(larger) < 2 else larger[-2])


def _has(block: Any, kind: type) -> bool:
    return any(isinstance(layer, kind) for layer in block)


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
    for level in range(DEEPEST + 1):
        if math.prod(grid_at(size, level)) == positions:
            return grid_at(size, level)
    height, width = size
    shrink = math.sqrt(height * width / positions)
    grid = math.ceil(height / shrink - 1e-6), math.ceil(width / shrink - 1e-6)
    if grid[0] * grid[1] != positions:
        raise LikenessError(
            f"An attention layer has {positions} positions, which is no grid of a {height}×{width} latent; "
            "remove the node that merges or drops tokens."
        )
    return grid
