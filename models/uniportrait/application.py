"""A chain of people and an adapter become what is attached to a UNet, the same in every host."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from ..adapters.identity_attention import IdentityResidual, Person
from ..adapters.weights import LoRA
from ..errors import InvalidSettingError
from ..placement.placements import Placement, combine
from ..placement.windows import ALWAYS, SigmaWindow
from .adapter import Routed
from .checkpoint import UniPortraitAdapter
from .identity import Identities, Identity, embed, embed_null


def lora_for(adapter: UniPortraitAdapter, people: int) -> LoRA | None:
    """One LoRA for one person, another for several, none for nobody.

    Raises:
        InvalidSettingError: if the router file is needed and was not loaded.
    """
    if people < 2:
        return adapter.single_lora if people else None
    if adapter.multi_lora is None:
        raise InvalidSettingError(
            f'{people} people need the router file, and "router" of Load UniPortrait is "none": '
            "choose the router file there (the published one is uniportrait-router_sd15.bin)."
        )
    return adapter.multi_lora


def always(start_percent: float, end_percent: float) -> SigmaWindow:
    """Every noise level, whatever the share of the schedule."""
    del start_percent, end_percent
    return ALWAYS


def identity_residual(
    adapter: UniPortraitAdapter,
    identities: Identities,
    structure_scale: float,
    window: Callable[[float, float], SigmaWindow] = always,
) -> IdentityResidual:
    """The identities' part of every cross-attention layer.

    Args:
        adapter: on the device that it embeds on.
        identities: at least one of them active.
        structure_scale: 0–1.
        window: the noise levels between two shares of the host's schedule, 0–1.
    """
    active = identities.active
    tokens = torch.cat([embed(adapter.id_embedding, person, structure_scale) for person in active])
    people = tuple(
        Person(name=person.name, strength=person.strength, window=window(person.start_percent, person.end_percent))
        for person in active
    )
    return IdentityResidual(
        attention=adapter.face_attention,
        tokens=tokens,
        null_tokens=embed_null(adapter.id_embedding, identities, structure_scale),
        people=people,
        placement=placement_of(adapter, active, tokens),
    )


def placement_of(adapter: UniPortraitAdapter, people: tuple[Identity, ...], tokens: Tensor) -> Placement:
    """The router for people without a mask, their masks for the others.

    Args:
        adapter: its routers.
        people: N of them.
        tokens: of each, (N, T, D).
    """
    without = [place for place, person in enumerate(people) if person.mask is None]
    routed = Routed(adapter.routers, tokens[without]) if without else None
    return combine(tuple(person.mask for person in people), routed)
