"""The trained form at one attention layer: each place reads the context of whoever it belongs to.

FaceStudio (arXiv:2312.02663), section 3.2, Eq. 2, masked multi-identity cross-attention.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.functional import scaled_dot_product_attention

from ..adapters.decoupled_cross_attention import decoupled_cross_attention
from ..adapters.identity_attention import Acting
from ..placement.placements import Placement
from ..placement.standing import Standing, standing_of
from ..port.attention import AttentionCall, AttentionSite, Polarity, TextRows


@dataclass(frozen=True, eq=False, slots=True)
class RegionalContexts:
    """What changes in the attention to all contexts when each is read at its own person's places alone.

    The prompt holds all of them, see `encode.Contexts.joined`, so that keys and values are those that the UNet itself makes of
    them. Σ_k m_k·softmax(Q·K_kᵀ/√d)·V_k is what a layer gives then; the difference to what it gave is added.

    Attributes:
        people: N entries in the order of the contexts; outside of their window somebody's places are the background's.
        placement: says where they are.
    """

    people: tuple[Acting, ...]
    placement: Placement

    def wants(self, site: AttentionSite) -> bool:
        """Every cross-attention layer."""
        return site.kind == "cross"

    def __call__(self, site: AttentionSite, call: AttentionCall) -> Tensor | None:
        """The difference, (B, L, C); None on the negative side, which has one context everywhere."""
        if call.text is None or call.polarity is Polarity.NEGATIVE:
            return None
        standing = standing_of(self.placement, site, call)
        if call.run.recorder is not None:
            shares = standing.shares(call.query)
            call.run.recorder.record(tuple(person.name for person in self.people), call, shares, site)
        active = [float(person.window.contains(call.sigma)) for person in self.people]
        if standing.choice is not None and standing.is_kept and all(active) and call.base is not None:
            return _alone(call, call.text, standing) - call.base
        weights = standing.shares(call.query)  # (B, L, N)
        if not all(active):
            weights = weights * weights.new_tensor(active)
        shares = torch.cat([weights, (1 - weights.sum(-1, keepdim=True)).clamp(min=0)], dim=-1)
        keys, values = _by_owner(call, call.text)
        regional = decoupled_cross_attention(call.query, keys, values, shares, call.heads)
        base = call.base
        if base is None:
            everywhere = call.query.new_ones(1, 1, 1)
            all_keys, all_values = (part.flatten(1, 2)[:, None] for part in (keys, values))
            base = decoupled_cross_attention(call.query, all_keys, all_values, everywhere, call.heads)
        return regional - base


def _alone(call: AttentionCall, text: TextRows, standing: Standing) -> Tensor:
    """Attention in which every position reads one context, (B, L, C): to all of them, with a mask."""

    def opened() -> Tensor:
        owners = torch.tensor([standing.people if owner < 0 else owner for owner in text.owners])
        is_own = torch.arange(standing.people + 1)[:, None] == owners  # (N + 1, S)
        rows = torch.zeros(is_own.shape).masked_fill(~is_own, -math.inf).to(call.query)
        return rows[standing.choice][:, None]  # (B or 1, 1, L, S)

    mask = call.run.remember((standing, text.owners), opened)
    query, keys, values = (
        part.reshape(*part.shape[:2], call.heads, -1).transpose(1, 2) for part in (call.query, text.keys, text.values)
    )
    attended = scaled_dot_product_attention(query, keys, values, attn_mask=mask)
    return attended.transpose(1, 2).reshape(call.query.shape)


def _by_owner(call: AttentionCall, text: TextRows) -> tuple[Tensor, Tensor]:
    """Keys and values of the contexts of N people and the background, (B, N + 1, T, C) each."""

    def rows() -> Tensor:
        people = max(text.owners) + 1
        owned = [[row for row, owner in enumerate(text.owners) if owner == each] for each in (*range(people), -1)]
        return torch.tensor(owned, device=text.keys.device)

    index = call.run.remember(("contexts", text.owners, text.keys.device), rows)
    return text.keys[:, index], text.values[:, index]
