"""UniPortrait at one attention layer: decoupled cross-attention to the identities, placed by routers or masks."""

from __future__ import annotations

import copy
from dataclasses import dataclass
from typing import cast

from torch import Tensor, nn
from torch.nn import functional

from ..attention import AttentionCall, AttentionSite, Polarity
from ..layers.decoupled_cross_attention import decoupled_cross_attention
from ..layers.key_value import KeyValueProjection
from ..masks import for_rows
from ..placement import Placement
from ..schedule import ALWAYS, SigmaWindow
from .id_routing import IDRouter


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """How strongly and when one identity acts.

    Attributes:
        name: shown on routing maps.
        strength: factor on the identity's attention (`faceid_scale`), > 0.
        window: noise levels at which the identity acts.
    """

    name: str
    strength: float
    window: SigmaWindow = ALWAYS


@dataclass(frozen=True, eq=False, slots=True)
class Routed:
    """Every position belongs to the one person whom the site's router prefers.

    On negative rows all identities are the same null identity, so each gets an equal part there and no router runs.

    Attributes:
        routers: `IDRouter` by site index.
        tokens: (N, T, D) identity embeddings of the people to place.

    Reference: UniPortrait (arXiv:2408.05939), ID routing. Deviation: docs/parity.md.
    """

    routers: nn.ModuleDict
    tokens: Tensor

    def __call__(self, site: AttentionSite, call: AttentionCall) -> Tensor:
        """Weights (B, L, N): one-hot on positive rows, 1/N on negative ones."""
        people = self.tokens.shape[0]
        rows, positions, _ = call.hidden.shape
        if people == 1 or call.polarity is Polarity.NEGATIVE:
            return call.hidden.new_full((1, 1, 1), 1 / people).expand(rows, positions, people)
        key = (self, site.index, call.hidden.dtype, call.hidden.device)
        router, folded = call.run.remember(key, lambda: self._prepare(site, call.hidden))
        choice = router.folded_logits(call.hidden, folded).argmax(dim=-1)  # (B, L); the first of equals wins
        return functional.one_hot(choice, people).to(call.hidden.dtype)

    def _prepare(self, site: AttentionSite, like: Tensor) -> tuple[IDRouter, Tensor]:
        router = cast(IDRouter, self.routers[str(site.index)])
        weight = next(router.parameters())
        if (weight.dtype, weight.device) != (like.dtype, like.device):
            router = copy.deepcopy(router).to(like)
        return router, router.fold(self.tokens.to(like)[None])


@dataclass(frozen=True, eq=False, slots=True)
class UniPortraitResidual:
    """The identities' part of every cross-attention layer.

    Attributes:
        attention: `FaceAttention` by site index.
        tokens: (N, T, D) identity embeddings.
        null_tokens: (1, T, D), the null identity of the negative rows.
        people: N entries in the order of `tokens`.
        placement: who is where.

    Reference: UniPortrait (arXiv:2408.05939); spec of the published code in docs/parity.md.
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
        strengths = [person.strength if person.window.contains(call.sigma) else 0.0 for person in self.people]
        if not any(strengths):
            return None
        negative = call.polarity is Polarity.NEGATIVE
        weights = self.placement(site, call)
        if negative:
            active = [strength for strength in strengths if strength > 0]
            weights = weights.sum(dim=-1, keepdim=True) * (sum(active) / len(active))
        else:
            if call.run.recorder is not None:
                call.run.recorder.record(tuple(person.name for person in self.people), call, weights)
            key = (self, tuple(strengths), weights.dtype, weights.device)
            weights = weights * call.run.remember(key, lambda: weights.new_tensor(strengths))
        keys, values = projected(self, self.attention, self.null_tokens if negative else self.tokens, site, call)
        return decoupled_cross_attention(call.query, keys, values, weights, call.heads)


@dataclass(frozen=True, eq=False, slots=True)
class ImagePromptResidual:
    """The optional IP-Adapter branch of UniPortrait.

    Attributes:
        attention: key and value projections by site index.
        tokens: (1, T, D) projected picture.
        null_tokens: (1, T, D) projection of a zero embedding, for the negative rows.
        strength: factor on the branch (`ip_scale`), > 0.
        mask: (M, H, W) float, or None for the whole picture; resized with nearest neighbours as published.
    """

    attention: nn.ModuleDict
    tokens: Tensor
    null_tokens: Tensor
    strength: float
    mask: Tensor | None = None

    def wants(self, site: AttentionSite) -> bool:
        """Whether the adapter has keys and values for this layer."""
        return site.kind == "cross" and str(site.index) in self.attention

    def __call__(self, site: AttentionSite, call: AttentionCall) -> Tensor:
        """Attention to the image prompt, (B, L, C)."""
        tokens = self.null_tokens if call.polarity is Polarity.NEGATIVE else self.tokens
        keys, values = projected(self, self.attention, tokens, site, call)
        if self.mask is None:
            weights = call.query.new_full((1, 1, 1), self.strength)
        else:
            weights = for_rows(self.mask, call, mode="nearest")[..., None] * self.strength
        return decoupled_cross_attention(call.query, keys, values, weights, call.heads)


def projected(
    owner: object, attention: nn.ModuleDict, tokens: Tensor, site: AttentionSite, call: AttentionCall
) -> tuple[Tensor, Tensor]:
    """Keys and values (N, T, C) of a token set at one layer, computed once per run."""

    def project() -> tuple[Tensor, Tensor]:
        layer = cast(KeyValueProjection, attention[str(site.index)])
        moved = tokens.to(call.query)
        key, value = (functional.linear(moved, part.weight.to(call.query)) for part in (layer.to_k, layer.to_v))
        return key, value

    negative = call.polarity is Polarity.NEGATIVE
    key = (owner, "projected", site.index, negative, call.query.dtype, call.query.device)
    return call.run.remember(key, project)
