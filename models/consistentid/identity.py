"""ConsistentID's people as values: ID tokens, the regions of a face, and their settings."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from ..errors import InvalidSettingError, require_range
from ..face.facial_features import FEATURES, kept_regions
from ..placement.masks import check_mask


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class FacialRegion:
    """One part of a face, ready to be fused into a word.

    Attributes:
        name: label of the face parser, such as Left_Eye.
        vector: output of the region resampler, (1, D).
        strength: how far the word's row is moved to the fused one, 0-2; 1 is the published behaviour.
    """

    name: str
    vector: Tensor
    strength: float = 1.0

    def __post_init__(self) -> None:
        require_range("strength", self.strength, 2)

    @property
    def feature(self) -> str:
        """The word of a caption that it belongs to: face, ears, eyes, nose or mouth."""
        return FEATURES[self.name]


@dataclass(frozen=True, eq=False, slots=True)
class FacialRegions:
    """The regions of one person, at most one per feature; they may come from different photos.

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


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class Identity:
    """One person of a picture.

    Attributes:
        name: what messages and maps call the person.
        tokens: ID tokens, (1, T, D).
        regions: parts of the face that go into the prompt; may be none.
        caption: what is said about the face; empty for the fixed sentence.
        strength: of the attention to the ID tokens, 0-2.
        start_percent, end_percent: part of the sampling in which that attention is on, 0-1 each.
        mask: where the person may be, (M, H, W) float, 0-1; (H, W) becomes (1, H, W). None leaves it open.

    Raises:
        InvalidSettingError: if a number is out of its range or the mask is empty or holds NaN.
        ShapeError: if the mask has another number of axes.
    """

    name: str
    tokens: Tensor
    regions: FacialRegions = FacialRegions()
    caption: str = ""
    strength: float = 1.0
    start_percent: float = 0.0
    end_percent: float = 1.0
    mask: Tensor | None = None

    def __post_init__(self) -> None:
        require_range("strength", self.strength, 2)
        require_range("start_percent", self.start_percent, 1)
        require_range("end_percent", self.end_percent, 1)
        if self.mask is not None:
            object.__setattr__(self, "mask", check_mask(self.mask, self.name))


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class Identities:
    """The people of a picture, in the order in which they were added.

    Attributes:
        people: everybody.
        null_tokens: ID tokens of nobody, (1, T, D), for the negative side of guidance.
        null_region: region vector of all-zero pixels, (1, D), which the published code fuses into the negative prompt.
    """

    people: tuple[Identity, ...]
    null_tokens: Tensor
    null_region: Tensor

    def add(self, person: Identity) -> Identities:
        """The same people and one more."""
        return replace(self, people=(*self.people, person))


def mean_regions(references: Iterable[FacialRegions]) -> FacialRegions:
    """One person's regions from several photos: the mean vector of every feature, over the photos that show it.

    Args:
        references: one entry per photo, all with the same strengths.

    Returns:
        The regions; of a feature seen under two labels (left and right) the more frequent label is kept, else the first.
    """
    found: dict[str, list[FacialRegion]] = {}
    for regions in references:
        for region in regions.regions:
            found.setdefault(region.feature, []).append(region)
    means = []
    for seen in found.values():
        vector = torch.cat([region.vector for region in seen]).mean(dim=0, keepdim=True)
        names = [region.name for region in seen]
        means.append(replace(seen[0], name=max(names, key=names.count), vector=vector))
    return FacialRegions.of(means)


def require_one_person(identities: Identities | None) -> None:
    """Refuse a second person where the published behaviour is asked for, which knows one.

    Raises:
        InvalidSettingError: if there is somebody already.
    """
    if identities is not None and identities.people:
        raise InvalidSettingError(
            'A second person was added, but the published ConsistentID knows one only; set "mode" of Load ConsistentID '
            'to "corrected" for several people.'
        )
