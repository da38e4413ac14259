"""People and an adapter become what is attached to a UNet, the same in every host."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from torch import Tensor

from ..adapters.identity_attention import IdentityResidual
from ..adapters.identity_attention import Person as Acting
from ..adapters.weights import LoRA
from ..errors import InvalidSettingError, require_range
from ..people.person import Person
from ..placement.placements import Placement
from ..placement.rule import By, place, ways
from ..placement.windows import ALWAYS, SigmaWindow
from .adapter import Routed
from .checkpoint import UniPortraitAdapter
from .encode import EncodedPeople

STRENGTH = 0.7  # of the published code; a person's own strength is a factor on it
STRUCTURE_ONE, STRUCTURE_SEVERAL = 0.1, 0.3  # structure scales of the published code
AUTO = -1.0  # a structure scale below 0 is chosen by the number of people


def structure_for(people: int, asked: float = AUTO) -> float:
    """The structure scale, 0–1: the one asked for, or where that is below 0, 0.1 for one person and 0.3 for several.

    Raises:
        InvalidSettingError: if it is above 1.
    """
    if asked < 0:
        return STRUCTURE_ONE if people < 2 else STRUCTURE_SEVERAL
    require_range("structure_scale", asked, 1)
    return asked


def lora_for(adapter: UniPortraitAdapter, people: int) -> LoRA | None:
    """One LoRA for one person, another for several, none for nobody.

    Raises:
        InvalidSettingError: if the router file is needed and was not loaded.
    """
    if people < 2:
        return adapter.single_lora if people else None
    if adapter.multi_lora is None:
        raise InvalidSettingError(
            f"{people} people need the router file, and Load UniPortrait has none: put it into models/uniportrait (the "
            "published one is uniportrait-router_sd15.bin) and choose it there."
        )
    return adapter.multi_lora


def always(start_percent: float, end_percent: float) -> SigmaWindow:
    """Every noise level, whatever the share of the schedule."""
    del start_percent, end_percent
    return ALWAYS


def identity_residual(
    adapter: UniPortraitAdapter,
    people: Sequence[Person],
    encoded: EncodedPeople,
    placement: Placement,
    *,
    strength: float = STRENGTH,
    window: Callable[[float, float], SigmaWindow] = always,
) -> IdentityResidual:
    """The identities' part of every cross-attention layer.

    Args:
        adapter: its keys and values.
        people: N who act.
        encoded: their tokens.
        placement: of these N.
        strength: of a person whose own strength is 1, 0–2.
        window: the noise levels between two shares of the host's schedule, 0–1.
    """
    require_range("strength", strength, 2)
    return IdentityResidual(
        attention=adapter.face_attention,
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


def placement_of(
    adapter: UniPortraitAdapter, people: Sequence[Person], tokens: Tensor, by: By = "router where no mask is"
) -> Placement:
    """The placement of people by the adapter's own router.

    Args:
        adapter: its routers.
        people: N of them.
        tokens: of each, (N, T, D).
        by: see `placement.rule.ways`.
    """
    masks = [person.mask for person in people]
    chosen = ways([person.name for person in people], masks, by)
    return place(masks, chosen, lambda places: Routed(adapter.routers, tokens[list(places)]))
