"""How a guidance finds people who have no mask: as a placement says, or at the faces of a preview."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from comfy.model_patcher import ModelPatcher
from torch import Tensor

from ...models.omniportrait.guided_person import MaskSource
from ...models.omniportrait.mask_sources import AttentionMasks, FaceMasks, PlacedMasks
from ...models.people.person import Person
from ...models.placement.faces import SeenFaces
from ...models.placement.rule import WHAT_EACH_IS, Way
from ..encoders.detector import choose_detector
from ..encoders.recogniser import choose_recogniser
from ..files import AUTO
from ..looking.faces import load_again
from ..placement import FaceFinding, LoadedPlacement, PlacedPeople
from ..unet.attention import inject

NAME = "Reference-Based Guidance, placement"


@dataclass(frozen=True, eq=False, slots=True)
class GuidedPlaces:
    """Where guided people are.

    Attributes:
        source: finds those who have no mask; None where everybody has one.
        states: what a preview says of each.
        placed: by which the source goes, where layers have to be looked at; else None.
    """

    source: MaskSource | None
    states: list[str]
    placed: PlacedPeople | None = None

    def watched(self, model: ModelPatcher) -> ModelPatcher:
        """A MODEL whose layers are looked at where the source goes by them."""
        if self.placed is None or not isinstance(self.source, PlacedMasks):
            return model
        return inject(model, [self.source], name=NAME, weights=self.placed.weights, adds=False)


def find_guided(model: ModelPatcher, acting: Mapping[int, Person], where: LoadedPlacement, vae: Any) -> GuidedPlaces:
    """How people are found in a MODEL's pictures.

    Their own masks come first. By words and by faces the guided step itself is looked at, a face as its ellipse alone; a router
    is read in the guided pass. One person alone whom a router would put everywhere is looked for at their face.

    Args:
        model: that is guided.
        acting: who is pulled, by place, with their masks.
        where: the placement.
        vae: decodes previews where the placement has none that does.

    Raises:
        InvalidSettingError: if nothing says where somebody is.
        MissingModelFileError: if a detector's file is missing.
    """
    if all(person.mask is not None for person in acting.values()):
        return GuidedPlaces(None, _states(acting, ("mask",) * len(acting)))
    if where.by in ("router", "masks"):
        placed = where.of(list(acting.values()), list(acting))
        if "everywhere" not in placed.ways:
            return GuidedPlaces(PlacedMasks(placed.placement, tuple(acting)), _states(acting, placed.ways), placed)
    if where.by == "words":
        return GuidedPlaces(AttentionMasks(), _states(acting, ("words",) * len(acting)))
    return GuidedPlaces(_faces(model, where.faces or preview_faces(vae)), _states(acting, ("faces",) * len(acting)))


def preview_faces(vae: Any) -> FaceFinding:
    """How faces are found where nobody says more: from left to right, by the first detector whose files are there."""
    return FaceFinding(
        vae=vae,
        detector=partial(choose_detector, "auto", remembers=False),
        recogniser=partial(choose_recogniser, AUTO),
    )


def _states(acting: Mapping[int, Person], ways: Sequence[Way]) -> list[str]:
    """What a preview says of each."""
    return [
        WHAT_EACH_IS[way if person.mask is None else "mask"] for person, way in zip(acting.values(), ways, strict=True)
    ]


def _faces(model: ModelPatcher, finding: FaceFinding) -> FaceMasks:
    """Masks around faces; a missing file is told now and not in the middle of a run."""
    previews = finding.previews()

    def look(latents: Tensor) -> list[SeenFaces]:
        found = previews(latents)
        load_again(model.model)
        return found

    return FaceMasks(look, finding.order, finding.every)
