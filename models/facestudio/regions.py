"""Each person's context in the person's own region: masks to weights on a layer's grid, and the attention that heeds them.

FaceStudio (arXiv:2312.02663), section 3.2: F_i = Attention(Q_i, K_i, V_i) (Eq. 2), the features of the i-th person's region read
the i-th identity alone. Queries do not depend on each other, so every position may read every context, and weights that are
1 once and 0 elsewhere choose; others between 0 and 1 share.
"""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor
from torch.nn.functional import interpolate, one_hot

from ..adapters.decoupled_cross_attention import decoupled_cross_attention
from ..errors import InvalidSettingError, require_shape

Mode = Literal["hard", "soft", "front"]
MODES: tuple[Mode, ...] = ("hard", "soft", "front")
COVERED = 0.5  # of a cell, from which on `front` gives it to the earlier person


def weights(masks: Tensor, grid: tuple[int, int], *, mode: Mode = "hard") -> Tensor:
    """How much each person counts at each position of a layer, and the background behind them.

    Args:
        masks: of K people in the order of their contexts, (K, H, W), values cut to 0–1; averaged over the cells of the grid. A mask
            of zeros is a person who is nowhere.
        grid: (h, w) of the layer.
        mode: "hard": a position belongs to whoever covers most of it, or to the background where 1 less the largest share is
            more, the first of equals wins, and whoever has any share and won nothing gets the best cell that is not
            somebody's last. "front": the same, but the earlier person wins wherever they cover half of it. "soft": shares, divided
            by their sum where that exceeds 1.

    Returns:
        (K + 1, h, w) in float32, or the masks' type if that is float64, 0–1, the background last; each position sums to 1.

    Raises:
        ShapeError: if the masks have another number of axes.
        InvalidSettingError: if they are empty or hold NaN, or the mode is unknown.
    """
    require_shape("masks", masks, ("K", "H", "W"))
    if mode not in MODES:
        raise InvalidSettingError(f'The mode of regions is "{mode}"; choose one of: {", ".join(MODES)}.')
    if 0 in masks.shape[1:] or torch.isnan(masks).any():
        raise InvalidSettingError(f"Masks of shape {tuple(masks.shape)} are empty or hold NaN; connect drawn masks.")
    values = masks.to(torch.promote_types(masks.dtype, torch.float32)).clamp(0, 1)
    shares = interpolate(values[None], size=grid, mode="area")[0] if len(values) else values.new_zeros(0, *grid)
    if mode == "soft":
        people = shares / shares.sum(0).clamp(min=1)
        return torch.cat([people, (1 - people.sum(0, keepdim=True)).clamp(min=0)])
    owner = _owners(shares.flatten(1), in_front=mode == "front")
    return one_hot(owner, len(shares) + 1).T.to(shares).unflatten(1, grid)


def attend(query: Tensor, keys: Tensor, values: Tensor, weights: Tensor, *, heads: int) -> Tensor:
    """Masked multi-identity attention, up to the layer's output projection.

    Args:
        query: of all positions, (B, L, C), heads not split.
        keys, values: of K people's contexts and the background's, (K + 1, T, C).
        weights: (L, K + 1), each row with the sum 1; of `weights(…)` they are `.flatten(1).T`.
        heads: each has C / heads channels.

    Returns:
        Σ_k m_k · softmax(Q·K_kᵀ / √(C / heads))·V_k, (B, L, C).

    Raises:
        ShapeError: if shapes do not fit.
        InvalidSettingError: if heads do not divide C.
    """
    require_shape("query", query, ("B", "L", "C"))
    _, positions, channels = query.shape
    require_shape("keys", keys, ("K + 1", "T", channels))
    require_shape("values", values, tuple(keys.shape))
    require_shape("weights", weights, (positions, len(keys)))
    if heads < 1 or channels % heads:
        raise InvalidSettingError(
            f"The query is {channels} wide, which {heads} heads do not divide; choose a divisor of it."
        )
    return decoupled_cross_attention(query, keys, values, weights.to(query), heads)


def _owners(shares: Tensor, *, in_front: bool) -> Tensor:
    """Whose each of L positions is, (L,) int64, the background being K; of shares (K, L)."""
    people, positions = shares.shape
    largest = torch.cat([shares, shares.new_zeros(1, positions)]).amax(0)
    owner = torch.cat([shares, 1 - largest[None]]).argmax(0)  # the first of equals
    if in_front:
        covered = torch.cat([shares >= COVERED, torch.ones_like(owner[None], dtype=torch.bool)])
        first = covered.int().argmax(0)
        owner = torch.where(first < people, first, owner)
    return _rescued(owner, shares)


def _rescued(owner: Tensor, shares: Tensor) -> Tensor:
    """Owners in which whoever has any share has a position too; whoever has the largest share chooses first."""
    people = len(shares)
    counts = torch.bincount(owner, minlength=people + 1)[:people]
    best = shares.amax(1)
    lost = [person for person in range(people) if counts[person] == 0 and best[person] > 0]
    owner = owner.clone()
    for person in sorted(lost, key=lambda each: float(best[each]), reverse=True):
        counts = torch.bincount(owner, minlength=people + 1)
        counts[people] = len(owner) + 1  # the background may lose its last
        free = torch.where(counts[owner] > 1, shares[person], 0)
        if free.amax() > 0:
            owner[free.argmax()] = person
    return owner
