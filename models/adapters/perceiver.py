"""The layer of perceiver resamplers: a few queries that read many features (Flamingo, arXiv:2204.14198)."""

from __future__ import annotations

import torch
from einops import rearrange
from torch import Tensor, nn
from torch.nn.functional import pad, scaled_dot_product_attention

DROPPED = -100.0  # what the published UniPortrait code adds to the logits of dropped tokens


class PerceiverAttention(nn.Module):
    """Queries read features and themselves: keys and values are made from both, features first.

    Args:
        dim: width of features and queries.
        inner: width of all heads together.
        dim_head: width of one head; divides `inner`.
    """

    def __init__(self, dim: int, inner: int, dim_head: int):
        super().__init__()
        self.heads = inner // dim_head
        self.norm1 = nn.LayerNorm(dim)
        self.norm2 = nn.LayerNorm(dim)
        self.to_q = nn.Linear(dim, inner, bias=False)
        self.to_kv = nn.Linear(dim, 2 * inner, bias=False)
        self.to_out = nn.Linear(inner, dim, bias=False)

    def forward(
        self, features: Tensor, queries: Tensor, keep: Tensor | None = None, scores: Tensor | None = None
    ) -> Tensor:
        """What the queries (B, T, D) read from the features (B, S, D).

        Args:
            features, queries: what is read, and what reads.
            keep: (B, S), 0 for dropped features.
            scores: added to the scores of the features, (1, S): log w of features that count w times.
        """
        features, queries = self.norm1(features), self.norm2(queries)
        key, value = self.to_kv(torch.cat([features, queries], dim=1)).chunk(2, dim=-1)  # (B, S + T, inner)
        q, k, v = (rearrange(x, "b t (h d) -> b h t d", h=self.heads) for x in (self.to_q(queries), key, value))
        bias = None
        if keep is not None:
            scores = (1 - keep) * DROPPED if scores is None else (1 - keep) * DROPPED + scores
        if scores is not None:
            bias = pad(scores, (0, queries.shape[1]))[:, None, None, :].to(q.dtype)  # (B, 1, 1, S + T)
        out = scaled_dot_product_attention(q, k, v, attn_mask=bias)
        return self.to_out(rearrange(out, "b h t d -> b t (h d)"))


def feed_forward(dim: int, hidden: int) -> nn.Sequential:
    """Norm, a linear layer to `hidden`, exact GELU and a linear layer back, without biases."""
    return nn.Sequential(
        nn.LayerNorm(dim),
        nn.Linear(dim, hidden, bias=False),
        nn.GELU(),
        nn.Linear(hidden, dim, bias=False),
    )
