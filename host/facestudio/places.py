"""Where FaceStudio's people are: masks by the rule of its paper, others as Place People says, and who is lent the rest."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
from comfy.model_patcher import ModelPatcher
from torch import Tensor
from torch.nn.functional import interpolate

from ...models.errors import InvalidSettingError
from ...models.facestudio.background import Background, Lent
from ...models.facestudio.places import MaskedRegions
from ...models.facestudio.regions import Mode
from ...models.people.person import Person
from ...models.placement.placements import Everywhere, Placement
from ...models.placement.rule import ways
from ..placement import MASKS_ONLY, LoadedPlacement, PlacedPeople

logger = logging.getLogger(__name__)

NO_MASK = 64  # side of the mask of nobody


@dataclass(frozen=True, eq=False, slots=True)
class RegionsOf:
    """Places people as a `LoadedPlacement` does, in the way of FaceStudio's paper.

    Attributes:
        where: what is connected; None is by masks.
        mode: how masks divide the picture.
        background: whose the places of nobody are.
        seed: of a background that is drawn.
    """

    where: LoadedPlacement | None
    mode: Mode
    background: Background
    seed: int

    def require_fit(self, model: ModelPatcher) -> None:
        """Refuse a router of another architecture than a MODEL's."""
        (self.where or MASKS_ONLY).require_fit(model)

    def of(self, people: Sequence[Person], places: Sequence[int] | None = None) -> PlacedPeople:
        """The placement of some people, see `LoadedPlacement.of`."""
        where, names = self.where or MASKS_ONLY, [person.name for person in people]
        masks = self.masks(people, places)
        if where.by == "masks" or None not in masks:
            chosen = ways(names, masks, "masks")
            alone: Placement = Everywhere(1)
            placed = PlacedPeople(alone if masks == [None] else MaskedRegions(tuple(masks), self.mode), chosen)
        else:
            placed = where.of(people, places)
        if self.background == "none":
            return placed
        return replace(placed, placement=Lent(placed.placement, len(people), self.background, self.seed))

    def masks(self, people: Sequence[Person], places: Sequence[int] | None = None) -> list[Tensor | None]:
        """The masks of some people; None for those who have none, and where masks do not count."""
        where = self.where or MASKS_ONLY
        if not where.masks_first and where.by != "masks":
            return [None] * len(people)
        return where.masks_of(people, list(range(len(people)) if places is None else places))


def empty(people: Sequence[Person], masks: Sequence[Tensor | None]) -> list[str]:
    """Names of those whose mask shows nothing, who therefore are nowhere; each is told to the log."""
    names = [
        person.name for person, mask in zip(people, masks, strict=True) if mask is not None and not (mask > 0).any()
    ]
    for name in names:
        logger.warning('The mask of "%s" is empty, so this person is nowhere in the picture', name)
    return names


def together(masks: Sequence[Tensor | None]) -> Tensor:
    """Where people with masks are, (M, H, W) of the largest of them; zeros (1, 64, 64) without any."""
    given = [mask for mask in masks if mask is not None]
    if not given:
        return torch.zeros(1, NO_MASK, NO_MASK)
    size = max((mask.shape[-2:] for mask in given), key=lambda each: each[0] * each[1])
    count = max(len(mask) for mask in given)
    rows = torch.arange(count)
    alike = [
        interpolate(mask[None].float().cpu(), size=tuple(size), mode="area")[0][rows % len(mask)] for mask in given
    ]
    return torch.stack(alike).amax(0).clamp(0, 1)


def nowhere(names: Sequence[str]) -> str:
    """A sentence about those whose mask is empty."""
    return f"Nowhere, because the mask is empty: {', '.join(names)}." if names else ""


def frozen(background: Background, masks: Sequence[Tensor | None]) -> str:
    """A sentence on what freezes a background.

    Raises:
        InvalidSettingError: if nobody has a mask that tells it from people.
    """
    if background != "freeze":
        return ""
    if all(mask is None for mask in masks):
        raise InvalidSettingError(
            "The background is to be frozen, and nobody has a mask that tells it from people; connect masks, or choose another "
            "background."
        )
    return "The background stays where people_mask is put on the latent by Set Latent Noise Mask."
