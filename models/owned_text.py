"""Text that belongs to one person: each place of the picture reads its own person's rows of the prompt only."""

from __future__ import annotations

import torch
from einops import rearrange
from torch import Tensor
from torch.nn.functional import scaled_dot_product_attention

from .attention import AttentionCall, Polarity, TextRows

EVERYBODY = -1


def owned_text(call: AttentionCall, weights: Tensor) -> Tensor | None:
    """What changes in a layer's attention to the text when people's rows are seen in their own places only.

    A row that belongs to person n counts exp(score) · w_n at a place with weight w_n, as in masked cross-attention; rows
    of everybody count as always. Negative rows are left alone: there all people are the same nobody.

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
    bias = _bias(text, weights)[:, None]  # (B, 1, L, S)
    owned = scaled_dot_product_attention(query, key, value, attn_mask=bias.to(query))
    plain = scaled_dot_product_attention(query, key, value)
    return rearrange(owned - plain, "b h l d -> b l (h d)")


def _bias(text: TextRows, weights: Tensor) -> Tensor:
    """Logarithm of how much each place may see of each row, (B, L, S)."""
    for_everybody = torch.ones_like(weights[..., :1])
    shares = torch.cat([weights, for_everybody], dim=-1).float()  # person -1 is the last column
    owners = torch.tensor(text.owners, device=weights.device)
    return shares[..., owners].log()
