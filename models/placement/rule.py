"""The one rule for who is placed how: masks, a router, everywhere, or what the others leave."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Literal, get_args

from torch import Tensor

from ..errors import InvalidSettingError
from .placements import Everywhere, Placement, combine

By = Literal["router", "masks", "router where no mask is"]
Way = Literal["everywhere", "mask", "rest", "router"]

WHAT_EACH_IS: dict[Way, str] = {
    "everywhere": "everywhere",
    "mask": "mask",
    "rest": "where no mask is",
    "router": "router",
}


def ways(names: Sequence[str], masks: Sequence[Tensor | None], by: By) -> tuple[Way, ...]:
    """How each person is placed.

    One person alone is everywhere, or inside their mask. Of several, those with a mask stay inside it; one without gets
    what the masks leave; several without need the router.

    Args:
        names: of N people, for messages.
        masks: one entry per person.
        by: "router" passes masks over, "masks" uses nothing else, "router where no mask is" takes both.

    Returns:
        N ways.

    Raises:
        InvalidSettingError: if two people or more would be at the same places, and so one face blended of several.
    """
    if by not in get_args(By):
        raise InvalidSettingError(f'by is "{by}"; choose one of: {", ".join(get_args(By))}.')
    if by == "router":
        return ("router",) * len(names) if len(names) > 1 else ("everywhere",) * len(names)
    without = [name for name, mask in zip(names, masks, strict=True) if mask is None]
    if len(without) < 2:
        rest: Way = "rest" if len(names) > 1 else "everywhere"
    elif by == "masks":
        listed = ", ".join(f'"{name}"' for name in without)
        raise InvalidSettingError(
            f"{len(without)} of {len(names)} people have no mask ({listed}), so nothing says where they are and their "
            "faces would blend; connect masks in Add Person, or Place People with a router."
        )
    else:
        rest = "router"
    return tuple(rest if mask is None else "mask" for mask in masks)


def place(
    masks: Sequence[Tensor | None], chosen: Sequence[Way], route: Callable[[tuple[int, ...]], Placement]
) -> Placement:
    """The placement of N people.

    Args:
        masks: one entry per person.
        chosen: N ways, see `ways`.
        route: from the places of the people that a router tells apart to their placement.
    """
    routed = tuple(place for place, way in enumerate(chosen) if way == "router")
    given = tuple(mask if way == "mask" else None for mask, way in zip(masks, chosen, strict=True))
    if routed:
        return combine(given, route(routed))
    return combine(given, Everywhere(1) if None in given else None)
