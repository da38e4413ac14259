"""Reading what a running UNet attends to.

Queries and keys are computed once more from the layers' inputs, so that it does not matter who holds a layer's attention:
a few layers, and no map of all positions to all.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from comfy.ldm.modules.diffusionmodules.openaimodel import UNetModel
from torch import Tensor
from torch.nn.functional import interpolate

from ...models.errors import LikenessError
from ...models.port.attention import AttentionSite
from ...models.port.word_attention import Projected, WordAttention, attention_to
from ..sampling.conds import CondInfo
from . import keys
from .options import block_of, known_conds, uuids_of
from .sites import find_sites, grid_at, halvings

CROSS_SIDE, SELF_SIDE = 12, 24  # positions on the short side: the coarsest level that has them is read
DEEPEST = 4  # last transformers of a block that are read; SDXL's have ten


@dataclass(frozen=True, eq=False, slots=True)
class _Found:
    """What is read of a layer.

    Attributes:
        layer: the attention.
        grid: (h, w) of its positions.
        named: which parts of the batch are prompts that name people, with what is known of each; at least one.
    """

    layer: Any
    grid: tuple[int, int]
    named: Sequence[tuple[int, CondInfo]]


@dataclass(eq=False, slots=True)
class AttentionReader:
    """Collects the attention of one conditional pass.

    Attributes:
        unet: the network that runs.
        size: (H, W) of the latent.
    """

    unet: UNetModel
    size: tuple[int, int]
    _cross: dict[tuple[Any, ...], AttentionSite] = field(init=False)
    _own: dict[tuple[Any, ...], AttentionSite] = field(init=False)
    _levels: dict[tuple[str, int], int] = field(init=False)
    _columns: dict[int, list[Tensor]] = field(init=False, default_factory=dict)
    _layers: dict[tuple[int, int], list[Projected]] = field(init=False, default_factory=dict)
    _is_hidden: bool = field(init=False, default=False)

    def __post_init__(self) -> None:
        sites, self._levels = find_sites(self.unet), halvings(self.unet)
        self._cross = _read(sites, self._levels, self.size, "cross", CROSS_SIDE, ("input", "output"))
        self._own = _read(sites, self._levels, self.size, "self", SELF_SIDE, ("output",))

    def with_patches(self, patches: Mapping[str, Sequence[Any]]) -> dict[str, Any]:
        """The patches of a call, ours behind all others, so that what these change is seen."""
        return {
            **patches,
            "attn1_patch": [*patches.get("attn1_patch", ()), self._note_self],
            "attn2_patch": [*patches.get("attn2_patch", ()), self._note_cross],
        }

    def collect(self) -> WordAttention | None:
        """What was collected; None if the prompt names nobody.

        Raises:
            LikenessError: if it does, and no layer showed the positions of the picture.
        """
        if not self._columns or not self._layers:
            if self._is_hidden:
                raise LikenessError(
                    "Another node merges or regroups the positions of the picture (as ToMe and HyperTile do), so nobody can be "
                    "found at their word; bypass that node, give masks, or choose another way to find people."
                )
            return None
        columns = {place: torch.stack(_resize_alike(maps)).mean(0) for place, maps in self._columns.items()}
        [(grid, layers)] = self._layers.items()
        return WordAttention(columns, tuple(layers), grid)

    @torch.no_grad()
    def _note_cross(self, n: Tensor, context: Tensor, value: Tensor, extra: dict[str, Any]) -> tuple[Tensor, ...]:
        found = self._of(self._cross, n, extra)
        if found is not None:
            queries, texts = n.chunk(_parts(extra)), context.chunk(_parts(extra))
            for rows, info in found.named:
                query, key = found.layer.to_q(queries[rows]), found.layer.to_k(texts[rows])
                projected = Projected(query, key, extra[keys.HEADS])
                for place in {place for place, _ in info.named_rows}:
                    column = attention_to(projected, [row for owner, row in info.named_rows if owner == place])
                    self._columns.setdefault(place, []).append(column.unflatten(1, found.grid))
        return n, context, value

    @torch.no_grad()
    def _note_self(self, n: Tensor, context: Tensor, value: Tensor, extra: dict[str, Any]) -> tuple[Tensor, ...]:
        found = self._of(self._own, n, extra)
        if found is not None:
            rows, _ = found.named[0]
            own, others = n.chunk(_parts(extra))[rows], context.chunk(_parts(extra))[rows]
            if own.shape[1] == others.shape[1]:  # another pack may have added what they look at
                projected = Projected(found.layer.to_q(own), found.layer.to_k(others), extra[keys.HEADS])
                self._layers.setdefault(found.grid, []).append(projected)
        return n, context, value

    def _of(self, sites: dict[tuple[Any, ...], AttentionSite], n: Tensor, extra: dict[str, Any]) -> _Found | None:
        """What is read of a layer; None where nothing is."""
        block, known = block_of(extra), known_conds(extra)
        site = None if block is None else sites.get(block)
        named = [
            (number, known[uuid])
            for number, uuid in enumerate(uuids_of(extra))
            if uuid in known and known[uuid].named_rows and known[uuid].crop is None
        ]
        if site is None or not named or n.shape[0] % _parts(extra):
            return None
        level = self._levels[site.block[0], site.block[1]]
        grid = grid_at(self.size, level)
        if grid[0] * grid[1] != n.shape[1]:
            self._is_hidden = True
            return None  # another node merges or drops positions
        return _Found(self.unet.get_submodule(site.path), grid, named)


def _parts(extra: dict[str, Any]) -> int:
    return len(uuids_of(extra))


def _read(
    sites: Sequence[AttentionSite],
    levels: dict[tuple[str, int], int],
    size: tuple[int, int],
    kind: str,
    side: int,
    stages: tuple[str, ...],
) -> dict[tuple[Any, ...], AttentionSite]:
    """The layers of one kind at one level, by ComfyUI's (stage, block, transformer)."""
    able = [site for site in sites if site.kind == kind and site.block[0] in stages]
    there = {levels[site.block[0], site.block[1]] for site in able}
    enough = [level for level in there if min(grid_at(size, level)) >= side]
    level = max(enough) if enough else min(there)
    chosen = [site for site in able if levels[site.block[0], site.block[1]] == level]
    depth = {site.block[:2]: 1 + max(s.block[2] for s in chosen if s.block[:2] == site.block[:2]) for site in chosen}
    return {site.block: site for site in chosen if site.block[2] >= depth[site.block[:2]] - DEEPEST}


def _resize_alike(maps: Sequence[Tensor]) -> list[Tensor]:
    """Maps (B, h, w) of one size."""
    size = maps[0].shape[-2:]
    return [
        each if each.shape[-2:] == size else interpolate(each[:, None], size, mode="bilinear")[:, 0] for each in maps
    ]
