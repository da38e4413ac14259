"""Where people are, on a socket: a way to place whoever a method is applied to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from comfy.model_patcher import ModelPatcher

from ..models.errors import InvalidSettingError
from ..models.people.person import Person
from ..models.placement.placements import Placement
from ..models.placement.rule import By, Way, place, ways


class Router(Protocol):
    """Tells people apart at every place of the picture."""

    @property
    def weights(self) -> ModelPatcher:
        """What is loaded together with the MODEL."""
        ...

    def require_fit(self, model: ModelPatcher) -> None:
        """Refuse a MODEL of another architecture, see `host.unet.sites.require_fit`."""
        ...

    def route(self, people: Sequence[Person]) -> Placement:
        """The placement of people, each with a face."""
        ...


@dataclass(frozen=True, eq=False, slots=True)
class PlacedPeople:
    """Who is where, for the people of one MODEL.

    Attributes:
        placement: gives every latent position to them.
        ways: how each is placed.
        weights: patchers to be loaded together with the MODEL.
    """

    placement: Placement
    ways: tuple[Way, ...]
    weights: tuple[ModelPatcher, ...] = ()


@dataclass(frozen=True, eq=False, slots=True)
class LoadedPlacement:
    """How people are to be placed; who they are is known when a method is applied.

    Attributes:
        by: what decides.
        router: tells people apart; None where there is none.
    """

    by: By
    router: Router | None = None

    def require_fit(self, model: ModelPatcher) -> None:
        """Refuse a router of another architecture than a MODEL's, unless masks alone decide.

        Raises:
            IncompatibleBaseModelError: naming what both sides are.
        """
        if self.router is not None and self.by != "masks":
            self.router.require_fit(model)

    def of(self, people: Sequence[Person]) -> PlacedPeople:
        """The placement of some people.

        Args:
            people: those who act, in their order, at least one.

        Raises:
            InvalidSettingError: if nothing says where somebody is, or the router is not there.
        """
        chosen = ways([person.name for person in people], [person.mask for person in people], self.by)
        weights = (self.router.weights,) if self.router is not None and "router" in chosen else ()
        masks = [person.mask for person in people]
        return PlacedPeople(place(masks, chosen, lambda places: self._route(people, places)), chosen, weights)

    def _route(self, people: Sequence[Person], places: tuple[int, ...]) -> Placement:
        if self.router is None:
            listed = ", ".join(f'"{people[number].name}"' for number in places)
            raise InvalidSettingError(
                f"A router is to place {listed}, and there is none; connect uniportrait to Place People, or connect "
                "masks in Add Person."
            )
        return self.router.route([people[number] for number in places])


MASKS_ONLY = LoadedPlacement("masks")  # of methods without a router, where nothing is connected
