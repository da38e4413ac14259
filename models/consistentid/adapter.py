"""ConsistentID at one attention layer: ID tokens, and the words of each person in the own place."""

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

    Reference: ConsistentID (arXiv:2404.16771), section 3.2; docs/parity.md.
    """

    identity: IdentityResidual

    def wants(self, site: AttentionSite) -> bool:
        """Whether the adapter has keys and values for this layer."""
        return self.identity.wants(site)

    def __call__(self, site: AttentionSite, call: AttentionCall) -> Tensor | None:
        """ID attention and the change of the text attention, (B, L, C), or None where neither acts."""
        acts = self.identity.acts(call)
        if not acts and call.text is None:
            return None
        weights = self.identity.placement(site, call)
        parts = [self.identity.attend(site, call, weights) if acts else None, regional_text(call, weights)]
        given = [part for part in parts if part is not None]
        return sum(given[1:], given[0]) if given else None
