"""Where people are, on a socket: a way to place whoever a method is applied to."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from comfy.model_patcher import ModelPatcher
from torch import Tensor

from ..models.errors import InvalidSettingError
from ..models.people.person import Person
from ..models.people.remembered import RememberedRecogniser
from ..models.placement.faces import EVERY, FaceLook, FaceOrder
from ..models.placement.found import Found, Otherwise
from ..models.placement.placements import Placement
from ..models.placement.rule import WHAT_EACH_IS, By, Way, place, ways
from ..models.placement.words import WordLook
from ..models.port.encoders import FaceDetector, FaceRecogniser
from .looking.faces import FaceWatch, PreviewFaces, know
from .looking.watch import Watch, watch
from .looking.words import WordWatch


class Router(Protocol):
    """Tells people apart at every place of the picture."""

    @property
    def weights(self) -> ModelPatcher:
        """What is loaded together with the MODEL."""
        ...

    def require_fit(self, model: ModelPatcher) -> None:
        """Refuse a MODEL of another architecture, see `host.unet.sites.require_fit`."""
        ...

    def route(self, people: Sequence[Person], *, is_soft: bool = False) -> Placement:
        """The placement of people, each with a face."""
        ...


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class FaceFinding:
    """How people are found at their faces.

    Attributes:
        vae: decodes previews.
        detector: gives a detector with its files; asked when somebody is to be found so.
        recogniser: gives a recogniser with its file, for "most alike".
        order: whose face is which.
        every: noise levels between two looks.
    """

    vae: Any
    detector: Callable[[], FaceDetector]
    recogniser: Callable[[], FaceRecogniser]
    order: FaceOrder = "left to right"
    every: int = EVERY

    def previews(self, people: Sequence[Person] = ()) -> PreviewFaces:
        """What finds faces in a preview, and whom they are like, if anybody is given; a missing file is told now."""
        detector = self.detector()
        if not people:
            return PreviewFaces(self.vae, detector)
        recogniser = self.recogniser()
        return PreviewFaces(self.vae, detector, know(people, RememberedRecogniser(recogniser), recogniser))

    def look(self, people: Sequence[Person], places: Sequence[int]) -> FaceLook:
        """A look for some people, of these places in the chain."""
        known = people if self.order == "most alike" else ()
        return FaceLook(find=self.previews(known), places=tuple(places), order=self.order, every=self.every)


@dataclass(frozen=True, eq=False, slots=True)
class PlacedPeople:
    """Who is where, for the people of one MODEL.

    Attributes:
        placement: gives every latent position to them.
        ways: how each is placed.
        weights: patchers to be loaded together with the MODEL.
        watches: looks for those who have to be found.
        otherwise: whose places are while they have not been found.
    """

    placement: Placement
    ways: tuple[Way, ...]
    weights: tuple[ModelPatcher, ...] = ()
    watches: tuple[Watch, ...] = ()
    otherwise: Otherwise = "everybody"

    @property
    def states(self) -> list[str]:
        """What a preview says of everybody."""
        return [
            f"{WHAT_EACH_IS[way]}, else {ELSE[self.otherwise]}" if way in FOUND else WHAT_EACH_IS[way]
            for way in self.ways
        ]

    def watch(self, model: ModelPatcher) -> None:
        """Let a clone look for those who have to be found; changed in place."""
        if self.watches:
            watch(model, self.watches)


FOUND: tuple[Way, ...] = ("words", "faces")
ELSE: dict[Otherwise, str] = {"everybody": "shared by all", "nobody": "nowhere", "nearest": "the nearest's"}


@dataclass(frozen=True, eq=False, slots=True)
class LoadedPlacement:
    """How people are to be placed; who they are is known when a method is applied.

    Attributes:
        by: what decides.
        router: tells people apart; None where there is none.
        masks_first: whether masks count before it.
        masks: of people by their place in the chain, in place of their own; None for those who have none.
        faces: how faces are found; None where nothing is connected that can.
        words: looks at words.
        is_soft: whether people may share a place.
        otherwise: whose places are of people who have not been found.
    """

    by: By
    router: Router | None = None
    masks_first: bool = True
    masks: tuple[Tensor | None, ...] = ()
    faces: FaceFinding | None = None
    words: WordLook = field(default_factory=WordLook)
    is_soft: bool = False
    otherwise: Otherwise = "everybody"
    _looks: dict[tuple[tuple[Person, ...], tuple[int, ...]], FaceLook] = field(
        init=False, repr=False, default_factory=dict
    )

    def require_fit(self, model: ModelPatcher) -> None:
        """Refuse a router of another architecture than a MODEL's, where it decides.

        Raises:
            IncompatibleBaseModelError: naming what both sides are.
        """
        if self.router is not None and self.by == "router":
            self.router.require_fit(model)

    def of(self, people: Sequence[Person], places: Sequence[int] | None = None) -> PlacedPeople:
        """The placement of some people.

        Args:
            people: those who act, in their order, at least one.
            places: of these in the chain of people, from 0; None for the first of it.

        Raises:
            InvalidSettingError: if nothing says where somebody is, or what is to find them is not there.
        """
        numbers = list(range(len(people)) if places is None else places)
        masks = self.masks_of(people, numbers)
        chosen = ways([person.name for person in people], masks, self.by, masks_first=self.masks_first)
        weights = (self.router.weights,) if self.router is not None and "router" in chosen else ()
        watches: list[Watch] = []

        def find(asked: tuple[int, ...]) -> Placement:
            some, their = [people[each] for each in asked], [numbers[each] for each in asked]
            if self.by == "router":
                return self._route(some)
            watches.append(self._watch(some, their))
            return Found(watches[0].look, tuple(their), self.otherwise, self.is_soft)

        placement = place(masks, chosen, find)
        return PlacedPeople(placement, chosen, weights, tuple(watches), self.otherwise)

    def masks_of(self, people: Sequence[Person], places: Sequence[int]) -> list[Tensor | None]:
        """The masks of some people: those that came with the placement, else their own."""
        given = [self.masks[place] if place < len(self.masks) else None for place in places]
        return [person.mask if mask is None else mask for person, mask in zip(people, given, strict=True)]

    def _route(self, people: Sequence[Person]) -> Placement:
        if self.router is None:
            listed = ", ".join(f'"{person.name}"' for person in people)
            raise InvalidSettingError(
                f"A router is to place {listed}, and there is none; connect uniportrait to Place People, choose words or faces there, "
                "or connect masks in Add Person."
            )
        return self.router.route(people, is_soft=self.is_soft)

    def _watch(self, people: Sequence[Person], places: Sequence[int]) -> Watch:
        names = {place: person.name for place, person in zip(places, people, strict=True)}
        if self.by == "words":
            return WordWatch(self.words, names)
        if self.faces is None:
            raise InvalidSettingError(
                "People are to be found at their faces, and nothing decodes a preview; connect vae to Place People, or choose words."
            )
        key = (tuple(people), tuple(places))
        if key not in self._looks:
            self._looks[key] = self.faces.look(people, places)
        return FaceWatch(self._looks[key], names)


MASKS_ONLY = LoadedPlacement("masks")  # of methods without a router, where nothing is connected
