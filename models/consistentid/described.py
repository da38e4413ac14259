"""People as a prompt tells them: what is said of a face, which regions go into its words, and what a user sees of that."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ..images.contact_sheet import contact_sheet
from .facial_regions import FacialRegions
from .marked_text import Caption

EMPTY_SIDE = 256  # pixels of the black picture where no region was found


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
