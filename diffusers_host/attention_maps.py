"""What the cross-attention layers of a diffusers UNet look at, with gradients, for losses on attention."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import torch
from einops import rearrange
from torch import Tensor, nn

from ..models.port.attention import AttentionSite
from .attention import find_sites

EVERY = 2  # of a transformer's blocks, one is read: SDXL has ten of them at one level [choice]

Wants = Callable[[AttentionSite], bool]
Read = Callable[[Tensor, Tensor], Tensor]


def every_layer(site: AttentionSite) -> bool:
    """All of them."""
    del site
    return True


def probabilities(queries: Tensor, keys: Tensor) -> Tensor:
    """The whole map of a layer, (B·heads, h·w, T) float32, rows of a picture together.

    Args:
        queries: (B, heads, h·w, d).
        keys: (B, heads, T, d).
    """
    scores = queries.flatten(0, 1) @ keys.flatten(0, 1).transpose(1, 2) / math.sqrt(queries.shape[-1])
    return scores.float().softmax(-1)


class AttentionMaps:
    """Records the attention to the text of cross-attention layers, until `detach`.

    Queries and keys are read from the layers' projections, so that any attention processor may run, and a LoRA that was
    attached before counts. Gradient checkpointing runs layers twice, so `clear` what is there before the next pass.

    Attributes:
        is_recording: whether anything is kept; can be switched off for a while.

    Args:
        unet: a UNet2DConditionModel.
        wants: which of its cross-attention layers.
        read: from queries (B, heads, h·w, d) and keys (B, heads, T, d) of a layer to what is kept of it.

    Raises:
        IncompatibleBaseModelError: if it is no such UNet.
    """

    def __init__(self, unet: nn.Module, *, wants: Wants = every_layer, read: Read = probabilities) -> None:
        self._read = read
        self.is_recording = True
        self._maps: list[Tensor] = []
        self._queries: dict[str, Tensor] = {}
        self._handles: list[torch.utils.hooks.RemovableHandle] = []
        for site in find_sites(unet):
            if site.kind == "cross" and wants(site):
                self._hook(unet, site.path)

    def take(self) -> list[Tensor]:
        """What was kept of every layer since the last `take`."""
        maps, self._maps = self._maps, []
        return maps

    def clear(self) -> None:
        """Forget what was kept."""
        self._maps = []

    def detach(self) -> None:
        """Take the hooks off; calling it twice does no harm."""
        for handle in self._handles:
            handle.remove()

    def _hook(self, unet: nn.Module, path: str) -> None:
        layer: Any = unet.get_submodule(path)

        def note_query(module: nn.Module, args: tuple[Any, ...], query: Tensor) -> None:
            if self.is_recording:
                self._queries[path] = query

        def note_key(module: nn.Module, args: tuple[Any, ...], key: Tensor) -> None:
            query = self._queries.pop(path, None)
            if query is None:
                return
            queries, keys = (rearrange(part, "b l (a d) -> b a l d", a=layer.heads) for part in (query, key))
            self._maps.append(self._read(queries, keys))

        self._handles += [layer.to_q.register_forward_hook(note_query), layer.to_k.register_forward_hook(note_key)]


def nearest_level(unet: nn.Module, side: int, wanted: int) -> Wants:
    """The layers of the level whose grid is nearest to a size; of a transformer's blocks, one of `EVERY`.

    Args:
        unet: a UNet2DConditionModel.
        side: short side of the latents.
        wanted: short side of the grid, positions; of two levels as near as each other, the finer one is taken.

    Raises:
        IncompatibleBaseModelError: if it is no such UNet.
    """
    levels = {site.path: _level(unet, site) for site in find_sites(unet) if site.kind == "cross"}
    far = {level: abs(math.log2(side / 2**level / wanted)) for level in levels.values()}
    nearest = min(sorted(far), key=far.__getitem__)
    return lambda site: levels[site.path] == nearest and site.block[2] % EVERY == 0


def _level(unet: nn.Module, site: AttentionSite) -> int:
    """How often the side is halved where a layer lies."""
    blocks: Any = unet.down_blocks
    place, last = site.path.split("."), len(blocks) - 1
    if place[0] == "mid_block":
        return last
    return int(place[1]) if place[0] == "down_blocks" else last - int(place[1])
