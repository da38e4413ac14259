"""Identities at one attention layer: decoupled cross-attention to the tokens of people, each in their own place."""

from __future__ import annotations

import itertools
from collections.abc import Collection
from dataclasses import dataclass
from typing import cast

from torch import Tensor, nn
from torch.nn import functional

from ..placement.placements import Placement
from ..placement.windows import ALWAYS, SigmaWindow
from ..port.attention import AttentionCall, AttentionSite, Polarity
from .decoupled_cross_attention import KeyValueProjection, decoupled_cross_attention


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """How strongly and when one identity acts.

    Attributes:
        name: shown on routing maps.
        strength: factor on the identity's attention, at least 0; 0 keeps the place and adds nothing.
        window: noise levels at which the identity acts.
    """

    name: str
    strength: float
    window: SigmaWindow = ALWAYS


@dataclass(frozen=True, eq=False, slots=True)
class IdentityResidual:
    """The identities' part of every cross-attention layer.

    Attributes:
        attention: key and value projections by site index.
        tokens: identity embeddings: (N, T, D), the same people in every picture, or (B, N, T, D), other people in each of
            B pictures, whose keys and values are not kept in the run.
        null_tokens: (1, T, D), the null identity of the negative rows.
        people: N entries in the order of `tokens`.
        placement: who is where.

    Reference: IP-Adapter (arXiv:2308.06721) for one person, UniPortrait (arXiv:2408.05939) for several; docs/parity.md.
    """

    attention: nn.ModuleDict
    tokens: Tensor
    null_tokens: Tensor
    people: tuple[Person, ...]
    placement: Placement

    def wants(self, site: AttentionSite) -> bool:
        """Whether the adapter has keys and values for this layer."""
        return site.kind == "cross" and str(site.index) in self.attention

    def __call__(self, site: AttentionSite, call: AttentionCall) -> Tensor | None:
        """Attention to the identities, (B, L, C), or None while nobody is active."""
        return self.attend(site, call, self.placement(site, call)) if self.acts(call) else None

    def acts(self, call: AttentionCall) -> bool:
        """Whether anybody is active at this noise level."""
        return any(self._strengths(call))

    def attend(self, site: AttentionSite, call: AttentionCall, weights: Tensor) -> Tensor:
        """Attention to the identities, (B, L, C), at places already known, (B, L, N); somebody must be active."""
        strengths = self._strengths(call)
        negative = call.polarity is Polarity.NEGATIVE
        if negative:
            active = [strength for strength in strengths if strength > 0]
            weights = weights.sum(dim=-1, keepdim=True) * (sum(active) / len(active))
        else:
            if call.run.recorder is not None:
                call.run.recorder.record(tuple(person.name for person in self.people), call, weights)
            if any(strength != 1 for strength in strengths):  # else nothing is copied to the device
                key = (self, tuple(strengths), weights.dtype, weights.device)
                weights = weights * call.run.remember(key, lambda: weights.new_tensor(strengths))
        keys, values = project_tokens(self, self.attention, self.null_tokens if negative else self.tokens, site, call)
        return decoupled_cross_attention(call.query, keys, values, weights, call.heads)

    def _strengths(self, call: AttentionCall) -> list[float]:
        return [person.strength if person.window.contains(call.sigma) else 0.0 for person in self.people]


def free_name(name: str, taken: Collection[str]) -> str:
    """The name, or with a number from 2 on where it is taken."""
    numbered = (f"{name} {number}" for number in itertools.count(2))
    return next(candidate for candidate in itertools.chain((name,), numbered) if candidate not in taken)


def project_tokens(
    owner: object, attention: nn.ModuleDict, tokens: Tensor, site: AttentionSite, call: AttentionCall
) -> tuple[Tensor, Tensor]:
    """Return keys and values of tokens at one layer.

    Args:
        owner: whose tokens they are; the run keeps what was projected under it.
        attention: key and value projections by site index.
        tokens: (N, T, D), projected once per run, or (B, N, T, D) of all pictures, of which only those of the call are
            projected, anew in every call: they may be in training.
        site: the layer.
        call: what is being computed.

    Returns:
        Keys and values, (N, T, C) or (B, N, T, C) each.
    """

    def project(rows: Tensor) -> tuple[Tensor, Tensor]:
        layer = cast(KeyValueProjection, attention[str(site.index)])
        moved = rows.to(call.query)
        key, value = (functional.linear(moved, part.weight.to(call.query)) for part in (layer.to_k, layer.to_v))
        return key, value

    if tokens.ndim == 4:  # a slice, because a list of rows would be copied to the device in every layer, and waited for
        return project(tokens[call.samples[0] : call.samples[-1] + 1])
    negative = call.polarity is Polarity.NEGATIVE
    key = (owner, "projected", site.index, negative, call.query.dtype, call.query.device)
    return call.run.remember(key, lambda: project(tokens))
