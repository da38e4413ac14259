"""ConsistentID at one attention layer: ID tokens, and the words of each person in their own place."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

from ..adapters.identity_attention import IdentityResidual
from ..adapters.regional_text import regional_text
from ..port.attention import AttentionCall, AttentionSite


@dataclass(frozen=True, eq=False, slots=True)
class ConsistentIDResidual:
    """What ConsistentID adds to every cross-attention layer.

    For one person it is the published decoupled cross-attention to the ID tokens. With several, each place also reads
    only its own person's part of the prompt, so that fused words do not blend faces; the published code has no such case.

    Attributes:
        identity: attention to the ID tokens, with the people and their placement.
        places: of these people in their chain, from 0, by which the prompt names the owners of its rows; empty for 0, 1, ….

    Reference: ConsistentID (arXiv:2404.16771), section 3.2; docs/parity.md.
    """

    identity: IdentityResidual
    places: tuple[int, ...] = ()

    def wants(self, site: AttentionSite) -> bool:
        """Whether the adapter has keys and values for this layer."""
        return self.identity.wants(site)

    def __call__(self, site: AttentionSite, call: AttentionCall) -> Tensor | None:
        """ID attention and the change of the text attention, (B, L, C), or None where neither acts."""
        acts = self.identity.acts(call)
        if not acts and call.text is None:
            return None
        weights = self.identity.placement(site, call)
        parts = [self.identity.attend(site, call, weights) if acts else None, self._own_words(call, weights)]
        given = [part for part in parts if part is not None]
        return sum(given[1:], given[0]) if given else None

    def _own_words(self, call: AttentionCall, weights: Tensor) -> Tensor | None:
        """What changes in the attention to the text, (B, L, C); None where no row is one person's alone.

        Rows of somebody who does not act are everybody's.
        """
        if call.text is None or weights.shape[-1] < 2:
            return None
        places = self.places or range(weights.shape[-1])
        columns = 1 + max(*places, *call.text.owners)
        if columns == weights.shape[-1]:
            return regional_text(call, weights)
        by_place = weights.new_ones(*weights.shape[:-1], columns)
        by_place[..., list(places)] = weights
        return regional_text(call, by_place)
