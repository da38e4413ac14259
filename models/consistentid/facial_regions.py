"""Regions of a face as values, what is fused into the words of a prompt, and people as a prompt tells them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor

from ..errors import require_range
from ..face.facial_features import FEATURES, kept_regions
from ..images.contact_sheet import contact_sheet
from .marked_text import Caption

EMPTY_SIDE = 256  # pixels of the black picture where no region was found


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class FacialRegion:
    """One part of a face, ready to be fused into a word.

    Attributes:
        name: label of the face parser, such as Left_Eye.
        vector: output of the region resampler, (1, D).
        strength: how far the word's row is moved to the fused one, 0–2; 1 is the published behaviour.
        pictures: what was encoded, one per photo that shows it, (H, W, 3) uint8 each: the photo, black outside the region.
    """

    name: str
    vector: Tensor
    strength: float = 1.0
    pictures: tuple[np.ndarray, ...] = ()

    def __post_init__(self) -> None:
        require_range("strength", self.strength, 2)

    @property
    def feature(self) -> str:
        """The word of a caption that it belongs to: face, ears, eyes, nose or mouth."""
        return FEATURES[self.name]


@dataclass(frozen=True, eq=False, slots=True)
class FacialRegions:
    """The regions of one person, at most one per feature; they may come from different photos and people.

    Attributes:
        regions: in the order of the published code (ascending label).
    """

    regions: tuple[FacialRegion, ...] = ()

    @classmethod
    def of(cls, regions: Iterable[FacialRegion]) -> FacialRegions:
        """Regions in their order; of two with one feature the later one counts."""
        by_name = {region.name: region for region in {region.feature: region for region in regions}.values()}
        return cls(tuple(by_name[name] for name in kept_regions(by_name)))

    @property
    def names(self) -> tuple[str, ...]:
        """Labels, in order."""
        return tuple(region.name for region in self.regions)

    def with_others(self, others: FacialRegions) -> FacialRegions:
        """These regions; features that they lack are taken from others."""
        return FacialRegions.of((*others.regions, *self.regions))

    def by_feature(self) -> Mapping[str, FacialRegion]:
        """From the word of a caption to its region."""
        return {region.feature: region for region in self.regions}


def mean_regions(references: Sequence[FacialRegions], weights: Sequence[float]) -> FacialRegions:
    """One person's regions from several photos: the mean vector of every feature, over the photos that show it.

    Args:
        references: one entry per photo, all with the same strengths.
        weights: of the photos, > 0 each.

    Returns:
        The regions; of a feature seen under two labels (left and right) the more frequent label is kept, else the first.
    """
    return FacialRegions.of(
        _joined(seen, sum(share for _, share in seen)) for seen in _by_feature(references, weights).values()
    )


def mix_regions(parts: Sequence[FacialRegions], factors: Sequence[float]) -> FacialRegions:
    """The regions of one person made of several: of every feature Σ β_i v_i.

    A feature that some of them do not show is made of those who do, in the same proportion, so that it is as large as one
    that all show.

    Args:
        parts: one entry per person that is mixed.
        factors: β of each, at least 0; they may add up to any number.
    """
    whole = sum(factors)
    mixed: list[FacialRegion] = []
    for seen in _by_feature(parts, factors).values():
        shown = sum(factor for _, factor in seen)
        if shown > 0:
            mixed.append(_joined(seen, shown / whole))
    return FacialRegions.of(mixed)


def _by_feature(
    sources: Sequence[FacialRegions], factors: Sequence[float]
) -> dict[str, list[tuple[FacialRegion, float]]]:
    """The regions of every feature, each with the factor of where it comes from."""
    found: dict[str, list[tuple[FacialRegion, float]]] = {}
    for regions, factor in zip(sources, factors, strict=True):
        for region in regions.regions:
            found.setdefault(region.feature, []).append((region, factor))
    return found


def _joined(seen: Sequence[tuple[FacialRegion, float]], divisor: float) -> FacialRegion:
    """One region of several of one feature: their vectors times their factors, over a divisor."""
    first, names = seen[0][0], [region.name for region, _ in seen]
    vectors = torch.stack([region.vector * factor for region, factor in seen])
    return replace(
        first,
        name=max(names, key=names.count),
        vector=vectors.sum(dim=0) / divisor,
        pictures=tuple(picture for region, _ in seen for picture in region.pictures),
    )


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class DescribedPerson:
    """One person in a prompt.

    Attributes:
        name: what messages call them.
        place: in their chain, from 0.
        said: anybody's words about the face; empty for the pipeline's sentence.
        regions: what goes into the words.
    """

    name: str
    place: int
    said: str
    regions: FacialRegions

    @property
    def caption(self) -> Caption:
        """How the face is described."""
        return Caption(self.said.strip() or None, self.regions.names)


def region_sheet(people: Sequence[DescribedPerson]) -> np.ndarray:
    """The pictures of all regions that go into a prompt, one beside the other, (H, W, 3) uint8; black where there is none.

    Raises:
        MissingPackageError: if pillow is not there.
    """
    shown = [
        (picture, f"{person.name}: {region.name}" if len(people) > 1 else region.name)
        for person in people
        for region in person.regions.regions
        for picture in region.pictures
    ]
    if not shown:
        return np.zeros((EMPTY_SIDE, EMPTY_SIDE, 3), np.uint8)
    return contact_sheet([picture for picture, _ in shown], [title for _, title in shown])


def found_text(people: Sequence[DescribedPerson]) -> str:
    """Which regions go into a prompt, a line per person such as "Ada: Face, Left_Eye, Nose"."""
    return "\n".join(f"{person.name}: {', '.join(person.regions.names) or 'none'}" for person in people)
