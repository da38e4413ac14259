"""Identities at one attention layer: decoupled cross-attention to the tokens of people, each in their own place."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional

from ..errors import require_range
from ..people.person import Person
from ..placement.placements import Placement
from ..placement.standing import Standing, standing_of
from ..placement.windows import ALWAYS, SigmaWindow
from ..port.attention import AttentionCall, AttentionSite, Polarity
from .decoupled_cross_attention import KeyValueProjection
from .token_attention import attend
from .tokens import KeysValues, Reading, Tokens, TokenScores


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
        scores: added to the scores of the tokens, (N, T) float32: log w of the tokens of a photo that counts w times; None
            where all count alike.
    """

    tokens: Tensor
    null_tokens: Tensor
    scores: Tensor | None = None

    def on_cpu(self) -> EncodedPeople:
        """The same where they take no memory of a card as long as the people are applied."""
        scores = None if self.scores is None else self.scores.cpu()
        return EncodedPeople(tokens=self.tokens.cpu(), null_tokens=self.null_tokens.cpu(), scores=scores)


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
        scores: added to the scores of the people's tokens; None where all count alike.

    Reference: IP-Adapter (arXiv:2308.06721) for one person, UniPortrait (arXiv:2408.05939) for several; docs/parity.md.
    """

    attention: nn.ModuleDict
    tokens: Tensor
    null_tokens: Tensor
    people: tuple[Acting, ...]
    placement: Placement
    scores: TokenScores | None = None

    def wants(self, site: AttentionSite) -> bool:
        """Whether the adapter has keys and values for this layer."""
        return site.kind == "cross" and str(site.index) in self.attention

    def __call__(self, site: AttentionSite, call: AttentionCall) -> Tensor | None:
        """Attention to the identities, (B, L, C), or None while nobody is active."""
        return attend(call.query, [(len(call.query), self.reading(site, call))], call.heads, call.run)

    def read(self, site: AttentionSite, call: AttentionCall) -> tuple[Reading | None, Tensor | None]:
        """What the rows read, and nothing else; see `ReadingResidual`."""
        return self.reading(site, call), None

    def reading(self, site: AttentionSite, call: AttentionCall) -> Reading | None:
        """What the rows read of the identities, or None while nobody is active."""
        return self.reading_at(site, call, standing_of(self.placement, site, call)) if self.acts(call) else None

    def acts(self, call: AttentionCall) -> bool:
        """Whether anybody is active at this noise level."""
        return any(self._strengths(call))

    def reading_at(self, site: AttentionSite, call: AttentionCall, standing: Standing) -> Reading:
        """What the rows read of the identities at places already known; somebody must be active."""
        strengths = self._strengths(call)
        if call.polarity is Polarity.NEGATIVE:
            active = [strength for strength in strengths if strength > 0]
            mean = sum(active) / len(active)
            return Reading(
                project_tokens(self, self.attention, self.null_tokens, site, call, (mean,)), _together(standing, call)
            )
        if call.run.recorder is not None:
            shares = standing.shares(call.query)
            call.run.recorder.record(tuple(person.name for person in self.people), call, shares, site)
        projected = project_tokens(self, self.attention, self.tokens, site, call, tuple(strengths), scores=self.scores)
        return Reading(projected, standing)

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
        scores=None if encoded.scores is None else TokenScores(encoded.scores),
    )


def project_tokens(
    owner: object,
    attention: nn.ModuleDict,
    tokens: Tensor,
    site: AttentionSite,
    call: AttentionCall,
    factors: tuple[float, ...],
    *,
    scores: TokenScores | None = None,
) -> Tokens:
    """Return tokens with their keys and values at one layer.

    Args:
        owner: whose tokens they are; the run keeps what was projected under it.
        attention: key and value projections by site index.
        tokens: (N, T, D), projected in float32 when a run lays them out, or (B, N, T, D) of all pictures, of which only those of the
            call are projected, in the query's type and anew in every call: they may be in training.
        site: the layer.
        call: what is being computed.
        factors: N of them, on the values of each.
        scores: added to those of the tokens.
    """

    layer = cast(KeyValueProjection, attention[str(site.index)])
    dtype, device = call.query.dtype, call.query.device  # no more of the call is held: the run keeps what is made here

    def project(rows: Tensor, within: torch.dtype) -> KeysValues:
        moved = rows.to(device, within)
        keys, values = (functional.linear(moved, part.weight.to(moved)) for part in (layer.to_k, layer.to_v))
        if any(factor != 1 for factor in factors):  # else nothing is copied to the device
            values = values * values.new_tensor(factors)[:, None, None]
        return keys.to(dtype), values.to(dtype)

    sets, length = tokens.shape[-3:-1]
    if tokens.ndim == 4:  # a slice, because a list of rows would be copied to the device in every layer, and waited for
        rows = tokens[call.samples[0] : call.samples[-1] + 1]
        return Tokens(sets, length, lambda: project(rows, dtype), is_by_row=True, scores=scores)
    negative = call.polarity is Polarity.NEGATIVE
    key = (owner, "projected", site.index, negative, factors, call.query.dtype, call.query.device)
    return call.run.remember(
        key, lambda: Tokens(sets, length, lambda: project(tokens, torch.float32), is_kept=True, scores=scores)
    )


def _together(standing: Standing, call: AttentionCall) -> Standing:
    """All people as one, the null identity, wherever anybody stands."""

    def join() -> Standing:
        if standing.weights is not None:
            return replace(standing, people=1, weights=standing.weights.sum(dim=-1, keepdim=True))
        if not standing.has_gaps or standing.choice is None:
            return Standing(people=1, is_kept=True)
        return replace(standing, people=1, choice=(standing.choice == standing.people).long())

    return call.run.remember((standing, "together"), join) if standing.is_kept else join()
