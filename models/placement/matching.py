"""Masks of people in any order, as a segmentation gives them, brought into the order of a chain of people.

FaceStudio (arXiv:2312.02663), section 3.2, takes "an off-the-shelf human instance segmentation model" for a one-to-one match; which
region is whose is not said there. Here it goes from left to right, by the faces that masks contain.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

from ..errors import InvalidSettingError
from ..face.types import Face
from .masks import check_mask

Extra = Literal["error", "nowhere"]
MOST_DIGITS = 9  # of a region's number
MOST = 0.5  # of a face's box, which lies inside the mask that the face belongs to


@dataclass(frozen=True, eq=False, slots=True)
class Matched:
    """Which mask is whose.

    Attributes:
        masks: of K people in their order, (K, H, W); zeros for somebody who is nowhere.
        regions: all masks that show something from left to right, (M, H, W).
        owners: whose each region is, by place in the chain; -1 for the background.
        has_face: whether a face belongs to each region.
    """

    masks: Tensor
    regions: Tensor
    owners: tuple[int, ...]
    has_face: tuple[bool, ...]


def match_people(
    masks: Tensor,
    people: int,
    faces: Sequence[Face] = (),
    *,
    order: str = "",
    extra: Extra = "error",
) -> Matched:
    """Give people the masks of a picture, from left to right.

    A face belongs to the mask that contains most of its box, and a mask has one face. Masks with a face are taken first, and where
    they are too few, those without one. Masks that are left over are background.

    Args:
        masks: of a segmentation, (M, H, W) float, 0–1, in any order; those that show nothing are left out.
        people: K of the chain.
        faces: that were found in the picture; none where nobody looked.
        order: numbers of regions from left to right, from 1, one per person, such as "2 1"; it wins over faces. Empty for none.
        extra: what it means if there are more people than masks: an error, or the last people are nowhere.

    Raises:
        InvalidSettingError: if there are more people than masks, no mask shows anything, or the order names no region.
    """
    masks = check_mask(masks, "masks").float()
    shown = [mask for mask in masks if (mask > 0).any()]
    if not shown:
        raise InvalidSettingError("None of the masks shows anything; connect the masks of people from a segmentation.")
    regions = torch.stack(sorted(shown, key=_middle))
    with_face = _with_face(regions, faces)
    if people > len(regions) and extra == "error":
        raise InvalidSettingError(
            f"There are {people} people and {len(regions)} masks; connect a mask for each, take people out, or let the others be nowhere."
        )
    without = [number for number in range(len(regions)) if number not in with_face]
    chosen = _read_order(order, len(regions), people) if order.strip() else sorted((*with_face, *without)[:people])
    owners = dict(zip(chosen, range(people), strict=False))
    found = regions.new_zeros(people, *regions.shape[1:])
    for region, person in owners.items():
        found[person] = regions[region]
    numbers = range(len(regions))
    return Matched(
        masks=found,
        regions=regions,
        owners=tuple(owners.get(number, -1) for number in numbers),
        has_face=tuple(number in with_face for number in numbers),
    )


def _middle(mask: Tensor) -> float:
    """How far to the right the middle of a mask lies, cells."""
    columns = mask.sum(0)
    return float((columns * torch.arange(len(columns))).sum() / columns.sum())


def _with_face(regions: Tensor, faces: Sequence[Face]) -> list[int]:
    """Regions with a face of their own, from left to right; the surest pairs first."""
    pairs = [
        (share, region, number)
        for number, face in enumerate(faces)
        for region, mask in enumerate(regions)
        if (share := _share_inside(mask, face)) > MOST
    ]
    taken: dict[int, int] = {}
    for _, region, number in sorted(pairs, reverse=True):
        if region not in taken and number not in taken.values():
            taken[region] = number
    return sorted(taken)


def _share_inside(mask: Tensor, face: Face) -> float:
    """How much of a face's box lies inside a mask, 0–1."""
    rows, columns = mask.shape
    height, width = face.image_size
    x0, y0, x1, y1 = (float(edge) for edge in face.box)
    left, right = (round(edge * columns / width) for edge in (x0, x1))
    top, bottom = (round(edge * rows / height) for edge in (y0, y1))
    inside = mask[max(top, 0) : max(bottom, top + 1), max(left, 0) : max(right, left + 1)]
    return float(inside.mean()) if inside.numel() else 0.0


def _read_order(order: str, regions: int, people: int) -> list[int]:
    words = [word for word in re.split(r"[\s,;]+", order) if word]
    numbers = [int(word) - 1 for word in words if word.isdecimal() and len(word) <= MOST_DIGITS]
    is_good = len(numbers) == len(words) == people == len(set(numbers)) and all(0 <= each < regions for each in numbers)
    if not is_good:
        raise InvalidSettingError(
            f'order is "{order[:40]}"; write {people} different numbers from 1 to {regions}, one for each person, as they stand in the '
            "preview, or leave it empty."
        )
    return numbers
