"""People and an adapter become what is attached to a UNet, the same in every host."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from ..adapters.identity_attention import IdentityResidual
from ..adapters.identity_attention import Person as Acting
from ..errors import require_range
from ..people.person import Person
from ..placement.placements import Placement
from ..placement.windows import SigmaWindow
from .adapter import ConsistentIDResidual
from .checkpoint import ConsistentIDAdapter
from .encode import EncodedPeople

STRENGTH = 1.0  # of the published code; a person's own strength is a factor on it


def people_residual(
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
    require_range("strength", strength, 2)
    identity = IdentityResidual(
        attention=adapter.attention,
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
    return ConsistentIDResidual(identity, tuple(places))
