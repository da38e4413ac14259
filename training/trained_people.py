"""People in training: their attention row by row, for adapters of several papers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import cast

from torch import Tensor, nn

from ..models.adapters.decoupled_cross_attention import decoupled_cross_attention
from ..models.adapters.key_value import KeyValueProjection
from ..models.port.attention import AttentionCall, AttentionSite

Place = Callable[[AttentionSite, AttentionCall], Tensor]


@dataclass(eq=False, slots=True)
class TrainedPeople:
    """The identities' part of every cross-attention layer, with other people in every row.

    Attributes:
        attention: a KeyValueProjection by site index.
        place: who is where: weights (B, L, N) of one call.
        tokens: (B, N, T, D) of the batch that the UNet sees; stays until the next one, because gradient checkpointing
            asks again.
    """

    attention: nn.ModuleDict
    place: Place
    tokens: Tensor

    def wants(self, site: AttentionSite) -> bool:
        """Whether there are keys and values for this layer."""
        return site.kind == "cross" and str(site.index) in self.attention

    def __call__(self, site: AttentionSite, call: AttentionCall) -> Tensor:
        """Attention to the identities, (B, L, C)."""
        layer = cast(KeyValueProjection, self.attention[str(site.index)])
        # the rows of a call follow each other; a list of them would be copied to the device in every layer, and waited for
        tokens = self.tokens[call.samples[0] : call.samples[-1] + 1]
        keys, values = (part.to(call.query.dtype) for part in layer(tokens))
        weights = self.place(site, call).to(call.query.dtype)
        return decoupled_cross_attention(call.query, keys, values, weights, call.heads)


def everywhere(site: AttentionSite, call: AttentionCall) -> Tensor:
    """One person, who is everywhere."""
    del site
    return call.query.new_ones(1, 1, 1)
