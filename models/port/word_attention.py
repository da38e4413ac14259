"""What the positions of a UNet attend to: the columns of some words, and self-attention as a map from values to values.

No map of all positions to all positions is ever held: a column needs one number per position, and values are spread by
attention itself.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from einops import rearrange
from torch import Tensor
from torch.nn.functional import scaled_dot_product_attention


@dataclass(frozen=True, eq=False, slots=True)
class Projected:
    """Queries and keys of one attention layer, heads not split.

    Attributes:
        query: (B, L, C).
        key: (B, S, C); S is L for self-attention.
        heads: C is divisible by it.
    """

    query: Tensor
    key: Tensor
    heads: int

    def split(self) -> tuple[Tensor, Tensor]:
        """Queries (B, heads, L, c) and keys (B, heads, S, c)."""
        query, key = (rearrange(part, "b l (a c) -> b a l c", a=self.heads) for part in (self.query, self.key))
        return query, key

    def row(self, number: int) -> Projected:
        """One row of the batch."""
        return Projected(self.query[number : number + 1], self.key[number : number + 1], self.heads)


def attention_columns(queries: Tensor, keys: Tensor, rows: Tensor) -> Tensor:
    """How much every position of a cross-attention layer attends to some rows of the text, among all of its rows.

    Only the logits of all rows are made: a softmax of each is not.

    Args:
        queries: (B, heads, L, d).
        keys: of all rows of the text, (B, heads, T, d).
        rows: (B, N) int64, below T.

    Returns:
        The softmax's columns, the mean over heads, (B, N, L) float32, 0–1; differentiable in queries and keys.
    """
    logits = (queries @ keys.transpose(-1, -2)).float() / math.sqrt(queries.shape[-1])
    places = rows[:, None, None].expand(*logits.shape[:3], -1)
    shares = (logits.gather(-1, places) - logits.logsumexp(-1, keepdim=True)).exp()  # (B, heads, L, N)
    return shares.mean(1).transpose(1, 2)


@torch.no_grad()
def attention_to(layer: Projected, rows: Sequence[int]) -> Tensor:
    """Probabilities of some rows of the text, summed over these rows and averaged over the heads.

    Args:
        layer: cross-attention.
        rows: places of the text.

    Returns:
        (B, L) float32, 0–1.
    """
    query, key = layer.split()
    places = torch.tensor(rows, device=query.device).expand(len(query), -1)
    return attention_columns(query.float(), key.float(), places).sum(1)


@torch.no_grad()
def spread(layer: Projected, values: Tensor) -> Tensor:
    """Self-attention times values, averaged over the heads.

    Args:
        layer: self-attention.
        values: one or several per position, (B, …, L).

    Returns:
        (B, …, L) float32.
    """
    query, key = (part.float() for part in layer.split())
    carried = values.float().reshape(len(values), -1, values.shape[-1]).mT  # (B, L, N)
    spread_out = scaled_dot_product_attention(query, key, carried[:, None].expand(-1, layer.heads, -1, -1))
    return spread_out.mean(1).mT.reshape(values.shape)


@dataclass(frozen=True, eq=False, slots=True)
class WordAttention:
    """The attention of one conditional pass.

    Attributes:
        columns: attention to the words of each person, averaged over heads and layers, by the person's place, (B, h, w).
        layers: of self-attention, all on one grid.
        grid: that grid.
    """

    columns: Mapping[int, Tensor]
    layers: tuple[Projected, ...]
    grid: tuple[int, int]

    def row(self, number: int) -> WordAttention:
        """That of one row of the batch."""
        columns = {place: column[number : number + 1] for place, column in self.columns.items()}
        return WordAttention(columns, tuple(layer.row(number) for layer in self.layers), self.grid)

    def spread(self, values: Tensor) -> Tensor:
        """Values (B, …, h·w) of the grid times self-attention, averaged over layers, (B, …, h·w)."""
        return torch.stack([spread(layer, values) for layer in self.layers]).mean(0)
