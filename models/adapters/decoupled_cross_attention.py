"""Decoupled cross-attention: extra tokens attended beside the text, with a softmax of their own (IP-Adapter)."""

from __future__ import annotations

import math

from einops import rearrange
from torch import Tensor, nn

# As many scores are held at once as four people with 16 tokens have in a guidance pair of SD1.5 at 1024 × 1024 (64 MiB in
# float32). Larger pictures are attended in slices of positions with a quarter of it, for a softmax holds its scores twice.
LARGEST_SCORES = 2**24
SLICE_OF_SCORES = 2**22


class KeyValueProjection(nn.Module):
    """Two linear maps without bias: context tokens to keys and values.

    Args:
        width: D, width of the tokens.
        channels: C, width of the attention layer.
    """

    def __init__(self, width: int, channels: int):
        super().__init__()
        self.to_k = nn.Linear(width, channels, bias=False)
        self.to_v = nn.Linear(width, channels, bias=False)

    def forward(self, tokens: Tensor) -> tuple[Tensor, Tensor]:
        """Keys and values (..., T, C) of tokens (..., T, D)."""
        return self.to_k(tokens), self.to_v(tokens)


def decoupled_cross_attention(query: Tensor, keys: Tensor, values: Tensor, weights: Tensor, heads: int) -> Tensor:
    """Attend to N token sets separately and add the results with a weight per position.

    Args:
        query: (B, L, C), heads not split.
        keys, values: (N, T, C), the same people in every row, or (B, N, T, C).
        weights: (B, L, N) or anything that broadcasts to it.
        heads: number of heads; each has C / heads channels.

    Returns:
        Σ_n weights_n · softmax(q k_nᵀ / √(C / heads)) v_n, (B, L, C).

    Reference: UniPortrait (arXiv:2408.05939), decoupled cross-attention with ID routing.
    """
    people, _, channels = keys.shape[-3:]
    scale = 1 / math.sqrt(channels // heads)
    key = rearrange(keys * scale, "... n t (a d) -> ... a (n t) d", a=heads)
    value = rearrange(values, "... n t (a d) -> ... a (n t) d", a=heads)
    rows, positions, _ = query.shape
    split = rearrange(query, "b l (a d) -> b a l d", a=heads)
    shares = rearrange(weights.expand(rows, positions, people), "b l n -> b 1 n 1 l")
    return rearrange(attend_to_sets(split, key, value, shares), "b a l d -> b l (a d)")


def attend_to_sets(query: Tensor, key: Tensor, value: Tensor, weights: Tensor, scores: Tensor | None = None) -> Tensor:
    """Attend to N sets of T tokens, with a softmax for each and a weight per position; large pictures in slices of positions.

    Args:
        query: (B, heads, P, d).
        key: (B, heads, N·T, d) or (heads, N·T, d), times 1 / √d.
        value: as the key, not scaled.
        weights: (B, 1, N, 1, P).
        scores: added to those of every token, (B, 1, N·T, 1).

    Returns:
        (B, heads, P, d).
    """
    rows, heads, positions, _ = query.shape
    step = positions_at_once(positions, rows * heads * key.shape[-2])
    if step == positions:
        return _attend(query, key, value, weights, scores)
    # Heads lie beside each other, as whoever joins them wants it, and slices are not held beside the whole.
    whole = query.new_empty(rows, positions, heads, value.shape[-1]).transpose(1, 2)
    for start in range(0, positions, step):
        own = slice(start, start + step)
        whole[:, :, own] = _attend(query[:, :, own], key, value, weights[..., own], scores)
    return whole


def positions_at_once(positions: int, scores: int) -> int:
    """How many positions to attend at once: all of them, or where they have too many scores, those of a slice.

    Args:
        positions: of a layer.
        scores: of one position, for all rows and heads together.
    """
    return positions if positions * scores <= LARGEST_SCORES else max(1, SLICE_OF_SCORES // scores)


def _attend(query: Tensor, key: Tensor, value: Tensor, weights: Tensor, scores: Tensor | None) -> Tensor:
    # Positions last: over the few tokens of a person, lying side by side, a softmax takes the CPU twenty times as long.
    # Scores (B, heads, N·T, P) become shares under one name all along, so that none are held twice.
    shares = key @ query.transpose(-1, -2)
    if scores is not None:
        shares = shares + scores
    together = shares.shape
    shares = shares.view(*together[:2], weights.shape[2], -1, together[-1]).softmax(dim=-2)
    shares = shares * weights
    return shares.view(together).transpose(-1, -2) @ value
