"""Faces in the rows of their nouns while pictures are drawn."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from ...diffusers_host.base import Base
from ...models.omniportrait.checkpoint import OmniPortraitAdapter
from ...models.omniportrait.pivot_id_encoder import PivotIDEncoder


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class Pivots:
    """The people of B pictures.

    Attributes:
        pivot: fuses them with the text.
        faces: the image encoder's embeddings, (B, N, E).
        rows: of their nouns' last tokens, (B, N) int64.
        strength: 0–2.
    """

    pivot: PivotIDEncoder
    faces: Tensor
    rows: Tensor
    strength: float = 1.0

    @classmethod
    def of(cls, adapter: OmniPortraitAdapter, crops: Tensor, rows: Tensor, strength: float = 1.0) -> Pivots:
        """Return the people of an adapter whose faces are seen on crops, (B, N, 3, s, s), 0–1; the rest as above."""
        faces = adapter.image_encoder(crops.flatten(0, 1)).unflatten(0, rows.shape)
        return cls(pivot=adapter.pivot, faces=faces, rows=rows, strength=strength)

    def fuse(self, text: Tensor) -> Tensor:
        """Return text (B, S, D) with the people in it."""
        picture = torch.arange(len(text))[:, None].expand_as(self.rows)
        mixed = self.pivot(text[picture, self.rows].flatten(0, 1), self.faces.flatten(0, 1), self.strength)
        return text.index_put((picture, self.rows), mixed.unflatten(0, self.rows.shape))


@contextmanager
def pivots_in(base: Base, pivots: Pivots | None) -> Generator[None, None, None]:
    """Put people into the last B of the prompts that the text encoder is given, for a time; None puts nobody in.

    Args:
        base: the miniature.
        pivots: of as many pictures as there are prompts, not counting the empty one before them.
    """

    def fuse(module: nn.Module, given: tuple[Any, ...], output: Any) -> Any:
        if pivots is not None:
            before, own = output.last_hidden_state.split(
                [len(output.last_hidden_state) - len(pivots.rows), len(pivots.rows)]
            )
            output.last_hidden_state = torch.cat((before, pivots.fuse(own)))
        return output

    handle = base.text_encoders[0].module.register_forward_hook(fuse)
    try:
        yield
    finally:
        handle.remove()
