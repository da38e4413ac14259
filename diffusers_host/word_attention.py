"""What the UNet attends to at its finest level, for masks of words: the level that ComfyUI's host reads at this size."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn

from ..models.port.attention import AttentionSite
from ..models.port.word_attention import Projected, WordAttention, attention_columns
from .attention import find_sites


@dataclass(eq=False, slots=True)
class AttentionNotes:
    """Collects the attention of one call whose last B rows are the positive ones.

    Attributes:
        words: places in the text that stand for the people of every picture, (B, N), or several of each, (B, N, R), which add up;
            -1 is none.
        grid: (h, w) of the latent.
    """

    words: Tensor
    grid: tuple[int, int]
    _queries: dict[str, Tensor] = field(init=False, default_factory=dict)
    _columns: list[Tensor] = field(init=False, default_factory=list)
    _layers: list[Projected] = field(init=False, default_factory=list)

    def collect(self) -> WordAttention:
        """What was collected."""
        columns = torch.stack(self._columns).mean(0).unflatten(-1, self.grid)
        people = dict(enumerate(columns.unbind(1)))
        return WordAttention(people, tuple(self._layers), self.grid)

    def hook(self, unet: nn.Module, site: AttentionSite) -> list[torch.utils.hooks.RemovableHandle]:
        """Put the hooks on one layer; a LoRA that was attached before counts."""
        layer: Any = unet.get_submodule(site.path)

        def note_query(module: nn.Module, args: tuple[Any, ...], query: Tensor) -> None:
            self._queries[site.path] = query.detach()[-len(self.words) :]

        def note_key(module: nn.Module, args: tuple[Any, ...], key: Tensor) -> None:
            projected = Projected(self._queries.pop(site.path), key.detach()[-len(self.words) :], layer.heads)
            if site.kind == "cross":
                self._columns.append(self._columns_of(projected))
            else:
                self._layers.append(projected)

        return [layer.to_q.register_forward_hook(note_query), layer.to_k.register_forward_hook(note_key)]

    def _columns_of(self, layer: Projected) -> Tensor:
        """The attention to everybody's words, (B, N, L)."""
        rows = self.words if self.words.ndim == 3 else self.words[..., None]
        columns = attention_columns(*layer.split(), rows.clamp(min=0).flatten(1)).unflatten(1, rows.shape[1:])
        return (columns * (rows >= 0)[..., None]).sum(2)


@contextmanager
def note_attention(unet: nn.Module, words: Tensor, grid: tuple[int, int]) -> Generator[AttentionNotes, None, None]:
    """While it lasts, the attention of a call is noted: cross-attention of the finest level, its self-attention on the way up.

    Args:
        unet: a UNet2DConditionModel.
        words: see `AttentionNotes`.
        grid: likewise.
    """
    notes = AttentionNotes(words, grid)
    handles = [handle for site in find_sites(unet) if _is_read(unet, site) for handle in notes.hook(unet, site)]
    try:
        yield notes
    finally:
        for handle in handles:
            handle.remove()


def _is_read(unet: nn.Module, site: AttentionSite) -> bool:
    levels: Any = unet.get_submodule("up_blocks")
    if site.path.startswith(f"up_blocks.{len(levels) - 1}."):
        return True
    return site.kind == "cross" and site.path.startswith("down_blocks.0.")
