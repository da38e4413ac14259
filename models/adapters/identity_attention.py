"""Identities at one attention layer: decoupled cross-attention to the tokens of people, each in their own place."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import cast

from torch import Tensor, nn
from torch.nn import functional

from ..errors import require_range
from ..people.person import Person
from ..placement.placements import Placement
from ..placement.windows import ALWAYS, SigmaWindow
from ..port.attention import AttentionCall, AttentionSite, Polarity
from .decoupled_cross_attention import KeyValueProjection, decoupled_cross_attention


@dataclass(frozen=True, slots=True, kw_only=True)
class Acting:
    """How strongly and when one identity acts.

    Attributes:
        name: shown on routing maps.
        strength: factor on the identity's attention, at least 0; 0 keeps the place and adds nothing.
        window: noise levels at which the identity acts.
    """

    name: str
    strength: float
    window: SigmaWindow = ALWAYS


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class EncodedPeople:
    """Identity tokens of some people.

    Attributes:
        tokens: (N, T, D).
        null_tokens: of nobody, for the negative side of guidance, (1, T, D).
    """

    tokens: Tensor
    null_tokens: Tensor


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
    people: tuple[Acting, ...]
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
                call.run.recorder.record(tuple(person.name for person in self.people), call, weights, site)
            if any(strength != 1 for strength in strengths):  # else nothing is copied to the device
                key = (self, tuple(strengths), weights.dtype, weights.device)
                weights = weights * call.run.remember(key, lambda: weights.new_tensor(strengths))
        keys, values = project_tokens(self, self.attention, self.null_tokens if negative else self.tokens, site, call)
        return decoupled_cross_attention(call.query, keys, values, weights, call.heads)

    def _strengths(self, call: AttentionCall) -> list[float]:
        return [person.strength if person.window.contains(call.sigma) else 0.0 for person in self.people]


def always(start_percent: float, end_percent: float) -> SigmaWindow:
    """Every noise level, whatever the share of the schedule."""
    del start_percent, end_percent
    return ALWAYS


def people_residual(
    attention: nn.ModuleDict,
    people: Sequence[Person],
    encoded: EncodedPeople,
    placement: Placement,
    *,
    strength: float,
    window: Callable[[float, float], SigmaWindow] = always,
) -> IdentityResidual:
    """The part of every cross-attention layer that people's tokens add.

    Args:
        attention: key and value projections by site index.
        people: N who act.
        encoded: their tokens.
        placement: of these N.
        strength: of a person whose own strength is 1, 0–2.
        window: the noise levels between two shares of the host's schedule, 0–1.

    Raises:
        InvalidSettingError: if the strength is out of its range.
    """
    require_range("strength", strength, 2)
    return IdentityResidual(
        attention=attention,
        tokens=encoded.tokens,
        null_tokens=encoded.null_tokens,
        people=tuple(
            Acting(
                name=person.name,
                strength=strength * person.settings.strength,
                window=window(person.settings.start_percent, person.settings.end_percent),
            )
            for person in people
        ),
        placement=placement,
    )


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
