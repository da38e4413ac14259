"""Keys and values of extra tokens, for decoupled cross-attention."""

from __future__ import annotations

from torch import Tensor, nn


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
