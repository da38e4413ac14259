"""People of many pictures in one batch, other people in every row."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, cast

from torch import Tensor, nn
from torch.nn.functional import one_hot

from ..models.adapters.decoupled_cross_attention import decoupled_cross_attention
from ..models.adapters.key_value import KeyValueProjection
from ..models.port.attention import AttentionCall, AttentionSite, Polarity
from ..models.uniportrait.id_routing import IDRouter

Choice = Literal["argmax", "softmax", "everybody"]


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class RowIdentities:
    """The identities' part of every cross-attention layer.

    Attributes:
        attention: a KeyValueProjection by site index.
        routers: an IDRouter by site index.
        tokens: of the people of every picture, (B, N, T, D).
        negative: tokens for the negative side of guidance, the same for everybody, (1, T, D).
        strength: factor on the identities' attention.
        choice: how a router's preference becomes weights; "everybody" asks no router and adds all people everywhere.
        entropies: takes the mean entropy of the routers' softmax of every call, nats; None where nobody asks.
    """

    attention: nn.ModuleDict
    routers: nn.ModuleDict
    tokens: Tensor
    negative: Tensor
    strength: float = 1.0
    choice: Choice = "argmax"
    entropies: list[float] | None = None

    def wants(self, site: AttentionSite) -> bool:
        """Whether there are keys and values for this layer."""
        return site.kind == "cross" and str(site.index) in self.attention

    def __call__(self, site: AttentionSite, call: AttentionCall) -> Tensor:
        """Attention to the identities, (B, L, C)."""
        layer = cast(KeyValueProjection, self.attention[str(site.index)])
        negative = call.polarity is Polarity.NEGATIVE
        tokens = self.tokens[list(call.samples)]
        weights = self._weights(site, call, tokens)
        if negative:
            weights = weights.sum(-1, keepdim=True)
            tokens = self.negative.expand(len(tokens), -1, -1)[:, None]
        keys, values = layer(tokens)
        return decoupled_cross_attention(call.query, keys, values, weights * self.strength, call.heads)

    def _weights(self, site: AttentionSite, call: AttentionCall, tokens: Tensor) -> Tensor:
        people = tokens.shape[1]
        if people == 1 or self.choice == "everybody":
            return call.query.new_ones(len(tokens), 1, people)
        if call.polarity is Polarity.NEGATIVE:
            return call.query.new_full((len(tokens), 1, people), 1 / people)
        logits = cast(IDRouter, self.routers[str(site.index)]).logits(call.hidden, tokens)
        shares = logits.softmax(-1)
        if self.entropies is not None:
            entropy = -(shares * shares.clamp_min(1e-12).log()).sum(-1).mean()
            self.entropies.append(float(entropy.detach()))
        if self.choice == "softmax":
            return shares
        return one_hot(logits.argmax(-1), people).to(logits)
