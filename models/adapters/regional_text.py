"""Regional text: each place of the picture reads the rows of the prompt that are its own person's, and everybody's."""

from __future__ import annotations

import math

import torch
from einops import rearrange
from torch import Tensor

from ..port.attention import AttentionCall, Polarity, TextRows
from .decoupled_cross_attention import positions_at_once

EVERYBODY = -1


def regional_text(call: AttentionCall, weights: Tensor) -> Tensor | None:
    """Return what changes in a layer's attention to the text when people's rows are seen in their own places only.

    A row that belongs to person n counts exp(score) · w_n at a place with weight w_n, as in masked cross-attention; rows
    of everybody count as always. The negative side, which has no people,
    is left alone.

    Args:
        call: the layer's call; `call.text` names the owners.
        weights: (B, L, N), where people are.

    Returns:
        The difference to add, (B, L, C), or None where no row has an owner.

    Reference: FaceStudio (arXiv:2312.02663), masked multi-identity cross-attention; here with soft weights.
    """
    text = call.text
    if text is None or call.polarity is Polarity.NEGATIVE or weights.shape[-1] < 2:
        return None
    query, key, value = (
        rearrange(x, "b l (h d) -> b h l d", h=call.heads) for x in (call.query, text.keys, text.values)
    )
    key = (key / math.sqrt(query.shape[-1])).transpose(-1, -2)  # (B, heads, d, S)
    shares = _shares(call, text, weights)[:, None]  # (B, 1, L, S)
    step = positions_at_once(query.shape[2], key[:, :, 0].numel())
    parts = [
        _difference(query[:, :, start : start + step] @ key, shares[:, :, start : start + step]).to(value) @ value
        for start in range(0, query.shape[2], step)
    ]
    return rearrange(torch.cat(parts, dim=2), "b h l d -> b l (h d)")


def _difference(scores: Tensor, shares: Tensor) -> Tensor:
    """Regional minus plain attention weights, (B, heads, L, S), in float32."""
    plain = scores.float().softmax(dim=-1)
    regional = plain * shares
    return regional / regional.sum(dim=-1, keepdim=True) - plain  # the sum is above 0: the begin token is everybody's


def _shares(call: AttentionCall, text: TextRows, weights: Tensor) -> Tensor:
    """How much each place may see of each row, 0-1, (B, L, S)."""
    for_everybody = torch.ones_like(weights[..., :1])
    shares = torch.cat([weights, for_everybody], dim=-1).float()  # person -1 is the last column
    key = ("owners", text.owners, weights.device)  # moved to the device once per run, not once per layer
    return shares[..., call.run.remember(key, lambda: torch.tensor(text.owners, device=weights.device))]
