"""People and an adapter become what is attached to a UNet, the same in every host: ID tokens, and the words of each person in
their own place.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from torch import Tensor

from ..adapters.identity_attention import EncodedPeople, IdentityResidual, people_residual
from ..adapters.regional_text import regional_text
from ..adapters.token_attention import attend
from ..adapters.tokens import Reading
from ..people.person import Person
from ..placement.placements import Placement
from ..placement.standing import Standing, standing_of
from ..placement.windows import SigmaWindow
from ..port.attention import AttentionCall, AttentionSite
from .checkpoint import ConsistentIDAdapter

STRENGTH = 1.0  # of the published code; a person's own strength is a factor on it


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
        reading, own_words = self.read(site, call)
        identity = attend(call.query, [(len(call.query), reading)], call.heads, call.run)
        return own_words if identity is None else identity if own_words is None else identity + own_words

    def read(self, site: AttentionSite, call: AttentionCall) -> tuple[Reading | None, Tensor | None]:
        """What the rows read of the ID tokens, and the change of the text attention, (B, L, C)."""
        acts = self.identity.acts(call)
        if not acts and call.text is None:
            return None, None
        standing = standing_of(self.identity.placement, site, call)
        reading = self.identity.reading_at(site, call, standing) if acts else None
        return reading, self._own_words(call, standing)

    def _own_words(self, call: AttentionCall, standing: Standing) -> Tensor | None:
        """What changes in the attention to the text, (B, L, C); None where no row is one person's alone.

        Rows of somebody who does not act are everybody's.
        """
        if call.text is None or standing.people < 2:
            return None
        weights = standing.shares(call.query)
        places = self.places or range(weights.shape[-1])
        columns = 1 + max(*places, *call.text.owners)
        if columns == weights.shape[-1]:
            return regional_text(call, weights)
        by_place = weights.new_ones(*weights.shape[:-1], columns)
        by_place[..., list(places)] = weights
        return regional_text(call, by_place)


def consistentid_residual(
    adapter: ConsistentIDAdapter,
    people: Sequence[Person],
    encoded: EncodedPeople,
    placement: Placement,
    *,
    places: Sequence[int],
    window: Callable[[float, float], SigmaWindow],
    strength: float = STRENGTH,
) -> ConsistentIDResidual:
    """What people add to every cross-attention layer.

    Args:
        adapter: its keys and values.
        people: N who act.
        encoded: their ID tokens.
        placement: of these N.
        places: of these N in the chain, from 0, by which prompts name the owners of their rows.
        window: the noise levels between two shares of the host's schedule, 0–1.
        strength: of a person whose own strength is 1, 0–2.

    Raises:
        InvalidSettingError: if the strength is out of its range.
    """
    identity = people_residual(adapter.attention, people, encoded, placement, strength=strength, window=window)
    return ConsistentIDResidual(identity, tuple(places))
