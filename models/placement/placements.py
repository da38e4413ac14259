"""Who is where: placements give every latent position to people, for any residual of the pack."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor

from ..port.attention import AttentionCall, AttentionSite
from .masks import for_rows, rows_of
from .standing import Standing, kept

# Published code divides by max(sum over identities, 1e-3), so that empty areas stay empty.
SMALLEST_MASK_SUM = 1e-3


class Placement(Protocol):
    """Gives every latent position to people."""

    def __call__(self, site: AttentionSite, call: AttentionCall) -> Tensor:
        """Weights (B, L, N) ≥ 0; each row sums to at most 1."""
        ...


@dataclass(frozen=True, slots=True)
class Everywhere:
    """Every position belongs to all people in equal parts.

    Attributes:
        people: N, at least 1.
    """

    people: int

    def __call__(self, site: AttentionSite, call: AttentionCall) -> Tensor:
        """Weights (B, L, N), all 1/N."""
        del site
        rows, positions, _ = call.query.shape
        return call.query.new_full((1, 1, 1), 1.0 / self.people).expand(rows, positions, self.people)

    def standing(self, site: AttentionSite, call: AttentionCall) -> Standing:
        """One person everywhere, or all in equal parts."""
        del site

        def share() -> Standing:
            if self.people == 1:
                return Standing(people=1, is_kept=True)
            weights = call.query.new_full((1, 1, self.people), 1.0 / self.people)
            return Standing(people=self.people, weights=weights, is_kept=True)

        return call.run.remember((self, "standing", call.query.dtype, call.query.device), share)


@dataclass(frozen=True, eq=False, slots=True)
class Masks:
    """Every person stays inside a mask; shared positions are divided in proportion.

    Attributes:
        masks: one (M, H, W) float tensor per person, 0–1; picture i of a batch takes mask i modulo M.

    Reference: the published UniPortrait code (`faceid_mask`); see docs/parity.md.
    """

    masks: tuple[Tensor, ...]

    def __call__(self, site: AttentionSite, call: AttentionCall) -> Tensor:
        """Weights (B, L, N): mask over the sum of all masks; zero where nobody's mask is."""
        del site
        key = (self, call.grid, call.crop, call.samples, call.query.dtype, call.query.device)
        return call.run.remember(key, lambda: self._weights(call).to(call.query).expand(len(call.samples), -1, -1))

    def standing(self, site: AttentionSite, call: AttentionCall) -> Standing:
        """Everybody inside a mask, alone where masks are 0 and 1 on the layer's grid and nowhere overlap."""
        del site
        key = (self, "standing", call.grid, call.crop, call.samples, call.query.dtype, call.query.device)
        return call.run.remember(key, lambda: kept(self._weights(call), call.query))

    def _weights(self, call: AttentionCall) -> Tensor:
        """(B, L, N) float32, or (1, L, N) of pictures with the same masks, where the masks are."""
        every = torch.broadcast_tensors(*(rows_of(mask, call) for mask in self.masks))
        stacked = torch.stack(every, dim=-1)
        return stacked / stacked.sum(dim=-1, keepdim=True).clamp(min=SMALLEST_MASK_SUM)


@dataclass(frozen=True, eq=False, slots=True)
class MasksFirst:
    """People with a mask take their areas; another placement divides the rest among the others.

    Attributes:
        masks: (M, H, W) per person with a mask, in the order of `masked`.
        masked: places of these people among all N.
        others: places of the people without a mask.
        placement: places the others; its weights have one column per entry of `others`.
    """

    masks: tuple[Tensor, ...]
    masked: tuple[int, ...]
    others: tuple[int, ...]
    placement: Placement

    def __call__(self, site: AttentionSite, call: AttentionCall) -> Tensor:
        """Weights (B, L, N)."""
        key = (self, call.grid, call.crop, call.samples, call.query.dtype, call.query.device)
        inside = call.run.remember(key, lambda: self._inside(call))  # (B, L, masked)
        outside = 1 - inside.sum(dim=-1, keepdim=True)
        rest = outside.clamp(min=0) * self.placement(site, call)  # (B, L, others)
        together = torch.cat([inside, rest], dim=-1)
        places = self.masked + self.others
        order = [places.index(person) for person in range(len(places))]
        return together[..., order]

    def _inside(self, call: AttentionCall) -> Tensor:
        stacked = torch.stack([for_rows(mask, call) for mask in self.masks], dim=-1)
        return stacked / stacked.sum(dim=-1, keepdim=True).clamp(min=1)


def combine(masks: tuple[Tensor | None, ...], others: Placement | None) -> Placement:
    """Let masks override another placement.

    Args:
        masks: one entry per person; None for a person without a mask.
        others: places the people without a mask, in their order; None if everybody has one.

    Returns:
        The placement of all people.

    Raises:
        ValueError: if `others` is missing although somebody has no mask.
    """
    masked = tuple(place for place, mask in enumerate(masks) if mask is not None)
    without = tuple(place for place, mask in enumerate(masks) if mask is None)
    given = tuple(mask for mask in masks if mask is not None)
    if not without:
        return Masks(given)
    if others is None:
        raise ValueError("People without a mask need a placement.")
    return MasksFirst(given, masked, without, others) if masked else others
