"""Masks that come with a placement: drawn ones, boxes or face landmarks, by person."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from torch import Tensor

from ..errors import InvalidSettingError
from .boxes import BoxOrder, masks_of_boxes, masks_of_landmarks, size_of_boxes
from .masks import check_mask

Order = Literal["left to right", "as given", "most alike"]
MOST_PEOPLE = 16  # that boxes are given to where nobody says how many there are


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class MaskSources:
    """What may say where people are.

    Attributes:
        masks: (M, H, W) or (H, W) float, 0–1: N of people, picture by picture.
        boxes, landmarks: see `boxes.masks_of_boxes` and `boxes.masks_of_landmarks`.
        width, height: of the picture whose pixels the boxes are; 0 where nobody says.
        image: that picture, (B, H, W, C).
    """

    masks: Tensor | None = None
    boxes: object = None
    landmarks: object = None
    width: int = 0
    height: int = 0
    image: Tensor | None = None


def masks_of_people(
    given: MaskSources, people: int | None, order: Order = "left to right"
) -> tuple[Tensor | None, ...]:
    """The masks of people by their place in the chain, each (M, H, W); empty where nothing is given.

    Args:
        given: one of masks, boxes and landmarks, or none.
        people: number of the chain; None where nobody says, and then every mask is a person's.
        order: whose box is which; boxes are like nobody, so "most alike" is from left to right.

    Raises:
        InvalidSettingError: if more than one is given, the number of masks does not fit the people, or see `boxes`.
    """
    named = [name for name in ("masks", "boxes", "landmarks") if getattr(given, name) is not None]
    if len(named) > 1:
        raise InvalidSettingError(
            f"Place People has {' and '.join(named)}, and each says where people are; connect one of them."
        )
    if given.masks is not None:
        return _by_person(given.masks, people)
    boxes_as: BoxOrder = "as given" if order == "as given" else "left to right"
    if given.boxes is not None:
        size = size_of_boxes(given.width, given.height, given.image)
        return masks_of_boxes(given.boxes, size, people or MOST_PEOPLE, boxes_as)
    if given.landmarks is not None:
        return masks_of_landmarks(given.landmarks, people or MOST_PEOPLE, boxes_as)
    return ()


def _by_person(masks: Tensor, people: int | None) -> tuple[Tensor | None, ...]:
    masks = check_mask(masks, "masks")
    count = people or len(masks)
    if len(masks) % count:
        raise InvalidSettingError(
            f"There are {len(masks)} masks for {count} people; give one mask per person, of several pictures one picture after "
            "another."
        )
    return masks.unflatten(0, (-1, count)).unbind(1)
