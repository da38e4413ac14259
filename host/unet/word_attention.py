"""Reading what a running UNet attends to.

Queries and keys are computed once more from the layers' inputs, so that it does not matter who holds a layer's attention:
a few layers, and no map of all positions to all.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
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
from .read_layers import ReadLayers


@dataclass(frozen=True, eq=False, slots=True)
class NamedRows:
    """Rows of a layer whose prompt names people.

    Attributes:
        rows: which they are.
        info: what is known of their prompt.
        samples: the picture of every row, by its number in the run; empty where it does not matter.
    """

    rows: slice
    info: CondInfo
    samples: tuple[int, ...] = ()


RowsOf = Callable[[Tensor, Tensor], Sequence[NamedRows]]  # from a layer's input and text


@dataclass(frozen=True, eq=False, slots=True)
class _Found:
    """What is read of a layer.

    Attributes:
        layer: the attention.
        grid: (h, w) of its positions.
        named: parts of the batch whose prompts name people; at least one.
    """

    layer: Any
    grid: tuple[int, int]
    named: Sequence[NamedRows]


@dataclass(frozen=True, eq=False, slots=True)
class _Chunk:
    """What was read of one prompt."""

    named: NamedRows
    columns: dict[int, list[Tensor]] = field(default_factory=dict)
    layers: dict[tuple[int, int], list[Projected]] = field(default_factory=dict)

    @property
    def is_read(self) -> bool:
        """Whether both kinds of layers were seen."""
        return bool(self.columns and self.layers)

    def attention(self) -> WordAttention:
        """The attention of this prompt's rows."""
        columns = {place: torch.stack(_resize_alike(maps)).mean(0) for place, maps in self.columns.items()}
        grid, layers = next(iter(self.layers.items()))
        return WordAttention(columns, tuple(layers), grid)


@dataclass(eq=False, slots=True)
class AttentionReader:
    """Collects the attention of one conditional pass, or of one call of the UNet.

    Attributes:
        unet: the network that runs.
        layers: that are read.
        rows_of: which rows of a layer name people; None goes by the conds of the batch, without those of a part of the picture.
    """

    unet: UNetModel
    layers: ReadLayers
    rows_of: RowsOf | None = None
    _chunks: dict[Hashable, _Chunk] = field(init=False, default_factory=dict)
    _is_hidden: bool = field(init=False, default=False)

    def with_patches(self, patches: Mapping[str, Sequence[Any]]) -> dict[str, Any]:
        """The patches of a call, ours behind all others, so that what these change is seen."""
        return {
            **patches,
            "attn1_patch": [*patches.get("attn1_patch", ()), self._note_self],
            "attn2_patch": [*patches.get("attn2_patch", ()), self._note_cross],
        }

    def collect(self) -> WordAttention | None:
        """What was collected of all prompts together; None if they name nobody.

        Raises:
            LikenessError: if they do, and no layer showed the positions of the picture.
        """
        chunks = [chunk for chunk, _ in self.read()]
        if not chunks:
            return None
        columns: dict[int, list[Tensor]] = {}
        for chunk in chunks:
            for place, column in chunk.columns.items():
                columns.setdefault(place, []).append(column)
        merged = {place: torch.stack(_resize_alike(each)).mean(0) for place, each in columns.items()}
        return WordAttention(merged, chunks[0].layers, chunks[0].grid)

    def read(self) -> list[tuple[WordAttention, NamedRows]]:
        """What was collected of every prompt that names people, and which rows of the batch are its.

        Raises:
            LikenessError: see `collect`.
        """
        seen = [(chunk.attention(), chunk.named) for chunk in self._chunks.values() if chunk.is_read]
        if not seen and self._is_hidden:
            raise LikenessError(
                "Another node merges or regroups the positions of the picture (as ToMe and HyperTile do), so nobody can be "
                "found at their word; bypass that node, give masks, or choose another way to find people."
            )
        return seen

    @torch.no_grad()
    def _note_cross(self, n: Tensor, context: Tensor, value: Tensor, extra: dict[str, Any]) -> tuple[Tensor, ...]:
        found = self._of(self.layers.cross, n, context, extra)
        if found is None:
            return n, context, value
        for named in found.named:
            texts = context[named.rows]
            projected = Projected(found.layer.to_q(n[named.rows]), found.layer.to_k(texts), extra[keys.HEADS])
            chunk = self._chunk(named)
            for place in {place for place, _ in named.info.named_rows}:
                column = attention_to(projected, named.info.rows_of(place, texts.shape[1]))
                chunk.columns.setdefault(place, []).append(column.unflatten(1, found.grid))
        return n, context, value

    @torch.no_grad()
    def _note_self(self, n: Tensor, context: Tensor, value: Tensor, extra: dict[str, Any]) -> tuple[Tensor, ...]:
        found = self._of(self.layers.own, n, context, extra)
        if found is None:
            return n, context, value
        for named in found.named:
            own, others = n[named.rows], context[named.rows]
            if own.shape[1] == others.shape[1]:  # another pack may have added what they look at
                projected = Projected(found.layer.to_q(own), found.layer.to_k(others), extra[keys.HEADS])
                self._chunk(named).layers.setdefault(found.grid, []).append(projected)
        return n, context, value

    def _chunk(self, named: NamedRows) -> _Chunk:
        return self._chunks.setdefault((named.rows.start, named.info, named.samples), _Chunk(named))

    def _of(
        self, sites: dict[tuple[Any, ...], AttentionSite], n: Tensor, context: Tensor, extra: dict[str, Any]
    ) -> _Found | None:
        """What is read of a layer; None where nothing is."""
        block = block_of(extra)
        site = None if block is None else sites.get(block)
        if site is None:
            return None
        named = _by_cond(n, extra) if self.rows_of is None else self.rows_of(n, context)
        if not named:
            return None
        grid = _grid(n, extra, self.layers.grids[site.block[:2]])
        if grid is None:
            self._is_hidden = True
            return None  # another node merges or drops positions
        return _Found(self.unet.get_submodule(site.path), grid, named)


def _by_cond(n: Tensor, extra: dict[str, Any]) -> list[NamedRows]:
    """The rows of prompts about whole pictures, chunks of equal size in the order of the batch's conds."""
    known, uuids = known_conds(extra), uuids_of(extra)
    size, rest = divmod(n.shape[0], len(uuids))
    return [
        NamedRows(slice(number * size, (number + 1) * size), known[uuid])
        for number, uuid in enumerate(uuids)
        if not rest and uuid in known and known[uuid].named_rows and known[uuid].crop is None
    ]


def _grid(n: Tensor, extra: dict[str, Any], expected: tuple[int, int]) -> tuple[int, int] | None:
    """The grid of a layer's positions: the one that is expected, or that ComfyUI tells (where a node shrinks a block)."""
    told = tuple(extra.get(keys.GRID, ())[-2:])
    for grid in (expected, told):
        if len(grid) == 2 and grid[0] * grid[1] == n.shape[1]:
            return grid[0], grid[1]
    return None


def _resize_alike(maps: Sequence[Tensor]) -> list[Tensor]:
    """Maps (B, h, w) of one size."""
    size = maps[0].shape[-2:]
    return [
        each if each.shape[-2:] == size else interpolate(each[:, None], size, mode="bilinear")[:, 0] for each in maps
    ]
