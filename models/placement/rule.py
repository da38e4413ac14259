"""The one rule for who is placed how: masks first, then what the user has chosen, or what the others leave."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Literal, get_args

from torch import Tensor

from ..errors import InvalidSettingError
from .placements import Everywhere, Placement, combine

By = Literal["router", "masks", "words", "faces"]
Way = Literal["everywhere", "mask", "rest", "router", "words", "faces"]

WHAT_EACH_IS: dict[Way, str] = {
    "everywhere": "everywhere",
    "mask": "mask",
    "rest": "where no mask is",
    "router": "router",
    "words": "at their words",
    "faces": "at their face",
}
ASKED: tuple[Way, ...] = ("router", "words", "faces")  # ways by which somebody finds people


def ways(names: Sequence[str], masks: Sequence[Tensor | None], by: By, *, masks_first: bool = True) -> tuple[Way, ...]:
    """How each person is placed.

    With masks first, people with a mask stay inside it. The others are placed by the router, at their words or at their
    faces; by masks alone, or one person by the router, they get what the masks leave, all of the picture where there are none.

    Args:
        names: of N people, for messages.
        masks: one entry per person.
        by: what places those without a mask.
        masks_first: whether masks count where something else is chosen.

    Returns:
        N ways.

    Raises:
        InvalidSettingError: if two people or more would be at the same places, and so one face blended of several.
    """
    if by not in get_args(By):
        raise InvalidSettingError(f'by is "{by}"; choose one of: {", ".join(get_args(By))}.')
    counts = masks_first or by == "masks"
    without = [name for name, mask in zip(names, masks, strict=True) if mask is None or not counts]
    if by == "masks" and len(without) > 1:
        listed = ", ".join(f'"{name}"' for name in without)
        raise InvalidSettingError(
            f"{len(without)} of {len(names)} people have no mask ({listed}), so nothing says where they are and their faces would "
            "blend; connect masks in Add Person, or Place People by words, faces or a router."
        )
    other: Way = by if by != "masks" else "rest"
    if by in ("masks", "router") and len(without) == 1:
        other = "rest" if len(names) > 1 else "everywhere"
    return tuple(other if mask is None or not counts else "mask" for mask in masks)


def place(
    masks: Sequence[Tensor | None], chosen: Sequence[Way], find: Callable[[tuple[int, ...]], Placement]
) -> Placement:
    """The placement of N people.

    Args:
        masks: one entry per person.
        chosen: N ways, see `ways`.
        find: from the places of the people whom somebody tells apart, by a router, words or faces, to their placement.
    """
    asked = tuple(place for place, way in enumerate(chosen) if way in ASKED)
    given = tuple(mask if way == "mask" else None for mask, way in zip(masks, chosen, strict=True))
    if asked:
        return combine(given, find(asked))
    return combine(given, Everywhere(1) if None in given else None)
