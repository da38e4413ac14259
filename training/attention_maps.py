"""What the cross-attention layers of a diffusers UNet look at, with gradients, for losses on attention."""

from __future__ import annotations

import math
from typing import Any

import torch
from einops import rearrange
from torch import Tensor, nn

from .diffusers_host import find_sites


class AttentionMaps:
    """Records the attention to the text of every cross-attention layer, until `detach`.

    Queries and keys are read from the layers' projections, so that any attention processor may run, and a LoRA that was
    attached before counts. Not for gradient checkpointing, which runs layers twice.

    Args:
        unet: a UNet2DConditionModel.

    Raises:
        IncompatibleBaseModelError: if it is no such UNet.
    """

    def __init__(self, unet: nn.Module) -> None:
        self._maps: list[Tensor] = []
        self._queries: dict[str, Tensor] = {}
        self._handles: list[torch.utils.hooks.RemovableHandle] = []
        for site in find_sites(unet):
            if site.kind == "cross":
                self._hook(unet, site.path)

    def take(self) -> list[Tensor]:
        """Probabilities (B·heads, h·w, T) of every layer since the last `take`, rows of a picture together."""
        maps, self._maps = self._maps, []
        return maps

    def detach(self) -> None:
        """Take the hooks off; calling it twice does no harm."""
        for handle in self._handles:
            handle.remove()

    def _hook(self, unet: nn.Module, path: str) -> None:
        layer: Any = unet.get_submodule(path)

        def note_query(module: nn.Module, args: tuple[Any, ...], query: Tensor) -> None:
            self._queries[path] = query

        def note_key(module: nn.Module, args: tuple[Any, ...], key: Tensor) -> None:
            query = self._queries.pop(path)
            queries, keys = (rearrange(part, "b l (a d) -> (b a) l d", a=layer.heads) for part in (query, key))
            scores = queries @ keys.transpose(1, 2) / math.sqrt(queries.shape[-1])
            self._maps.append(scores.float().softmax(-1))

        self._handles += [layer.to_q.register_forward_hook(note_query), layer.to_k.register_forward_hook(note_key)]
