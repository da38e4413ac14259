"""The layers of the prior, under the names that published files have: a block, and the token that tells the timestep."""

from __future__ import annotations

import math

import torch
from einops import rearrange
from torch import Tensor, nn
from torch.nn.functional import gelu, scaled_dot_product_attention, silu

LONGEST_PERIOD = 10_000  # over 2π, in timesteps


class TimeToken(nn.Module):
    """A timestep as one token: cosines and sines of it through two linear layers with SiLU between.

    Args:
        width: P, even.
    """

    def __init__(self, width: int):
        super().__init__()
        self.linear_1 = nn.Linear(width, width)
        self.linear_2 = nn.Linear(width, width)

    def forward(self, timestep: Tensor) -> Tensor:
        """Tokens (B, P) of timesteps (B,), 0–999."""
        half = self.linear_1.in_features // 2
        powers = torch.arange(half, device=timestep.device, dtype=torch.float32) / half
        angles = timestep.float()[:, None] * torch.exp(-math.log(LONGEST_PERIOD) * powers)
        waves = torch.cat([angles.cos(), angles.sin()], dim=-1)  # cosines first
        return self.linear_2(silu(self.linear_1(waves.to(self.linear_1.weight))))


class SelfAttention(nn.Module):
    """Attention with biases, each head scaled by 1/√(its width).

    Args:
        width: P, width of tokens and of all heads together.
        dim_head: width of one head; divides P.
    """

    def __init__(self, width: int, dim_head: int):
        super().__init__()
        self.heads = width // dim_head
        self.to_q = nn.Linear(width, width)
        self.to_k = nn.Linear(width, width)
        self.to_v = nn.Linear(width, width)
        self.to_out = nn.Sequential(nn.Linear(width, width))

    def forward(self, tokens: Tensor, bias: Tensor | None) -> Tensor:
        """What tokens (B, S, P) read from each other; `bias` (B, 1, S, S) is added to the scores of every head."""
        q, k, v = (
            rearrange(part(tokens), "b s (h d) -> b h s d", h=self.heads) for part in (self.to_q, self.to_k, self.to_v)
        )
        read = scaled_dot_product_attention(q, k, v, attn_mask=bias)
        return self.to_out(rearrange(read, "b h s d -> b s (h d)"))


class GELULayer(nn.Module):
    """A linear layer and the exact GELU."""

    def __init__(self, width: int, hidden: int):
        super().__init__()
        self.proj = nn.Linear(width, hidden)

    def forward(self, tokens: Tensor) -> Tensor:
        """(B, S, hidden) of (B, S, width)."""
        return gelu(self.proj(tokens))


class FeedForward(nn.Module):
    """P to 4P and back; the place between is the dropout of training, which has no weights."""

    def __init__(self, width: int):
        super().__init__()
        self.net = nn.Sequential(GELULayer(width, 4 * width), nn.Identity(), nn.Linear(4 * width, width))

    def forward(self, tokens: Tensor) -> Tensor:
        """(B, S, P) of (B, S, P)."""
        return self.net(tokens)


class Block(nn.Module):
    """Self-attention and feed-forward, each after a LayerNorm and added; the norm of a cross-attention (norm2) does not exist.

    Args:
        width: P.
        dim_head: width of one head; divides P.
    """

    def __init__(self, width: int, dim_head: int):
        super().__init__()
        self.norm1 = nn.LayerNorm(width)
        self.attn1 = SelfAttention(width, dim_head)
        self.norm3 = nn.LayerNorm(width)
        self.ff = FeedForward(width)

    def forward(self, tokens: Tensor, bias: Tensor | None) -> Tensor:
        """(B, S, P) of (B, S, P); `bias` as in `SelfAttention`."""
        tokens = tokens + self.attn1(self.norm1(tokens), bias)
        return tokens + self.ff(self.norm3(tokens))
