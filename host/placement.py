"""A placement on a socket: who is where, with the weights that it needs while sampling."""

from __future__ import annotations

from dataclasses import dataclass

from comfy.model_patcher import ModelPatcher

from ..models.placement.placements import Placement


@dataclass(frozen=True, eq=False, slots=True)
class LoadedPlacement:
    """Who is where, for any method that takes a placement.

    Attributes:
        placement: gives every latent position to the people.
        names: of the people, in order.
        weights: patchers to be loaded together with the MODEL.
    """

    placement: Placement
    names: tuple[str, ...]
    weights: tuple[ModelPatcher, ...] = ()
