"""Who stands where at one layer: one person at a position, or people who share positions."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import torch
from torch import Tensor
from torch.nn.functional import one_hot

from ..port.attention import AttentionCall, AttentionSite


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class Standing:
    """N people at one layer. `choice` or `weights` says where they are; without both, one person is everywhere.

    Attributes:
        people: N.
        choice: who stands alone at every position, (B, L) or (1, L) int64, 0 to N - 1, and N for nobody.
        weights: how much of every position is whose, (B, L, N) or anything that broadcasts to it.
        has_gaps: whether `choice` may be nobody.
        is_kept: whether the run hands this object out again, so that what is made of it may be kept as well.
    """

    people: int
    choice: Tensor | None = None
    weights: Tensor | None = None
    has_gaps: bool = False
    is_kept: bool = False

    def shares(self, like: Tensor) -> Tensor:
        """The same as weights (B, L, N), for rows, positions and type of a tensor (B, L, C)."""
        rows, positions, _ = like.shape
        if self.weights is not None:
            return self.weights.expand(rows, positions, self.people)
        if self.choice is None:
            return like.new_ones(1, 1, 1).expand(rows, positions, 1)
        alone = one_hot(self.choice, self.people + self.has_gaps)[..., : self.people]
        return alone.to(like.dtype).expand(rows, positions, self.people)


@runtime_checkable
class Stands(Protocol):
    """A placement that knows more than weights tell."""

    def standing(self, site: AttentionSite, call: AttentionCall) -> Standing:
        """Who stands where."""
        ...


def standing_of(
    placement: Callable[[AttentionSite, AttentionCall], Tensor], site: AttentionSite, call: AttentionCall
) -> Standing:
    """Who stands where, by any `Placement`."""
    if isinstance(placement, Stands):
        return placement.standing(site, call)
    weights = placement(site, call)
    return Standing(people=weights.shape[-1], weights=weights)


def kept(weights: Tensor, like: Tensor) -> Standing:
    """What a run keeps of weights (B, L, N) that no step changes: a choice where nobody shares a position.

    Args:
        weights: where they were computed; they are read there, so nothing waits for another device.
        like: has the type and device that they are wanted in.
    """
    people = weights.shape[-1]
    if bool(((weights == 0) | (weights == 1)).all()) and bool((weights.sum(-1) <= 1).all()):
        nobody = 1 - weights.sum(-1, keepdim=True)
        choice = torch.cat([weights, nobody], -1).argmax(-1).to(like.device)
        return Standing(people=people, choice=choice, has_gaps=bool(nobody.any()), is_kept=True)
    return Standing(people=people, weights=weights.to(like), is_kept=True)
