"""The attention layers of a UNet that are read to learn where words are drawn."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from comfy.ldm.modules.diffusionmodules.openaimodel import UNetModel

from ...models.port.attention import AttentionSite
from .sites import find_sites, grid_at, halvings

CROSS_SIDE, SELF_SIDE = 12, 24  # positions on the short side: the coarsest level that has them is read
DEEPEST = 4  # last transformers of a block that are read; SDXL's have ten


@dataclass(frozen=True, eq=False, slots=True)
class ReadLayers:
    """The layers of a UNet that are read, by ComfyUI's (stage, block, transformer).

    Attributes:
        cross: of cross-attention.
        own: of self-attention.
        grids: (h, w) that is expected of every block that is read, by stage and number.
    """

    cross: dict[tuple[Any, ...], AttentionSite]
    own: dict[tuple[Any, ...], AttentionSite]
    grids: dict[tuple[str, int], tuple[int, int]]


def layers_to_read(unet: UNetModel, size: tuple[int, int], deepest: int = DEEPEST) -> ReadLayers:
    """Choose the layers that are read; the whole network is walked through, so once a run is enough.

    Args:
        unet: the network.
        size: (H, W) of the latent.
        deepest: last transformers of a block that are read.
    """
    sites, levels = find_sites(unet), halvings(unet)
    able = [site for site in sites if site.block[0] in ("input", "output")]
    cross = _read([site for site in able if site.kind == "cross"], levels, size, CROSS_SIDE, deepest)
    own = [site for site in able if site.kind == "self" and site.block[0] == "output"]
    chosen = _read(own, levels, size, SELF_SIDE, deepest)
    blocks = {site.block[:2] for site in (*cross.values(), *chosen.values())}
    return ReadLayers(cross, chosen, {block: grid_at(size, levels[block]) for block in blocks})


def _read(
    able: Sequence[AttentionSite], levels: dict[tuple[str, int], int], size: tuple[int, int], side: int, deepest: int
) -> dict[tuple[Any, ...], AttentionSite]:
    """The layers of one level, by ComfyUI's (stage, block, transformer)."""
    there = {levels[site.block[0], site.block[1]] for site in able}
    enough = [level for level in there if min(grid_at(size, level)) >= side]
    level = max(enough) if enough else min(there)
    chosen = [site for site in able if levels[site.block[0], site.block[1]] == level]
    depth = {site.block[:2]: 1 + max(s.block[2] for s in chosen if s.block[:2] == site.block[:2]) for site in chosen}
    return {site.block: site for site in chosen if site.block[2] >= depth[site.block[:2]] - deepest}
