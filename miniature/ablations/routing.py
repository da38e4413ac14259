"""Who is where in the pictures of one batch, other people in each: UniPortrait's routers, and what is asked instead of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, cast

import torch
from torch import Tensor, nn
from torch.nn.functional import one_hot

from ...models.placement.placements import Everywhere, Masks, Placement
from ...models.port.attention import AttentionCall, AttentionSite, Polarity
from ...models.uniportrait.id_routing import IDRouter

Choice = Literal["argmax", "softmax", "everybody"]
Way = Choice | Literal["halves", "equal parts"]
SIDE = 16  # of a mask; as the latents


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class RoutedRows:
    """A placement of the people of every picture.

    Attributes:
        routers: an IDRouter by site index.
        tokens: of the people of every picture, (B, N, T, D).
        choice: how a router's preference becomes weights; "everybody" asks no router and adds all people everywhere, so that
            weights sum to N.
        entropies: takes the mean entropy of the routers' softmax of every call, nats; None where nobody asks.
    """

    routers: nn.ModuleDict
    tokens: Tensor
    choice: Choice = "argmax"
    entropies: list[float] | None = None

    def __call__(self, site: AttentionSite, call: AttentionCall) -> Tensor:
        """Weights (B, L, N), or (B, 1, N) where they are the same at all positions."""
        tokens = self.tokens[call.samples[0] : call.samples[-1] + 1]
        rows, people = tokens.shape[:2]
        if people == 1 or self.choice == "everybody":
            return call.query.new_ones(rows, 1, people)
        if call.polarity is Polarity.NEGATIVE:
            return call.query.new_full((rows, 1, people), 1 / people)
        logits = cast(IDRouter, self.routers[str(site.index)]).logits(call.hidden, tokens)
        shares = logits.softmax(-1)
        if self.entropies is not None:
            entropy = -(shares * shares.clamp_min(1e-12).log()).sum(-1).mean()
            self.entropies.append(float(entropy.detach()))
        if self.choice == "softmax":
            return shares
        return one_hot(logits.argmax(-1), people).to(logits)


def way_to_place(way: Way, routers: nn.ModuleDict, tokens: Tensor, entropies: list[float]) -> Placement:
    """Return the placement of the people of every picture.

    Args:
        way: a choice of `RoutedRows`; "halves" divides the picture among people from left to right, "equal parts" gives every
            position to all of them in equal parts.
        routers, tokens, entropies: see `RoutedRows`.
    """
    people = tokens.shape[1]
    if way == "equal parts":
        return Everywhere(people)
    if way == "halves":
        return Masks(tuple(_column(number, people) for number in range(people)))
    return RoutedRows(routers=routers, tokens=tokens, choice=way, entropies=entropies)


def _column(number: int, people: int) -> Tensor:
    """Return the part of the picture of somebody, from the left, (1, H, W)."""
    mask = torch.zeros(1, SIDE, SIDE)
    mask[..., SIDE * number // people : SIDE * (number + 1) // people] = 1
    return mask
