"""What a page is sent of a run, as JSON takes it: small, with nothing in it that could become too long."""

from __future__ import annotations

import base64
import math
from collections.abc import Sequence
from typing import Any

from torch import Tensor

from .guidance import GuidanceEntry, GuidanceHistory, GuidanceRecord
from .legend import rgb_of
from .packed import bits_of_winner, pack
from .placements import PartOfRun, PlacementMaps
from .routing_sheet import MOST_PARTS

MOST_LETTERS = 80  # of a name
DIGITS = 4
WHOLE_CELLS, PART_CELLS = 64, 32  # places on the longer side, of a whole run and of one of its steps or layers
MOST_PICTURES = 16  # of a batch
PICTURES_IN_PARTS = 4  # of these, so many step by step and layer by layer


def page_people(names: Sequence[str]) -> list[dict[str, str]]:
    """Everybody's name and colour, "#rrggbb", in the order of the chain."""
    return [
        {"name": name[:MOST_LETTERS], "colour": "#{:02x}{:02x}{:02x}".format(*rgb_of(place))}
        for place, name in enumerate(names)
    ]


def page_routing(maps: PlacementMaps) -> list[dict[str, Any]]:
    """Who stood where in each picture of a run, in all of it, step by step and layer by layer, for a page.

    See `packed` for the bytes; these are base64.
    """
    people, bits = page_people(maps.names), bits_of_winner(len(maps.names))
    return [
        {
            "picture": number,
            "people": people,
            "bits": bits,
            **_cells(weights, WHOLE_CELLS),
            **({} if number >= PICTURES_IN_PARTS else _parts_of(maps, number)),
        }
        for number, weights in enumerate(maps.maps[:MOST_PICTURES])
    ]


def page_curves(history: GuidanceHistory | GuidanceRecord) -> dict[str, Any]:
    """Everybody's similarity at every guided evaluation of a run, finished or not, for a page.

    Returns:
        How many steps the run has, how many evaluations were skipped, and everybody's points: step from 1, noise level, and the mean
        similarity of all pictures, null where nobody was found.
    """
    levels = history.levels or (*sorted({entry.sigma for entry in history.entries}, reverse=True), 0.0)
    return {"steps": len(levels) - 1, "people": _curves(history.entries, levels), "skipped": history.skipped}


def step_of(sigma: float, levels: Sequence[float]) -> int:
    """Return the step, from 1, of a run whose noise level is nearest to one.

    Args:
        sigma: of an evaluation; between two steps in samplers that evaluate more than once.
        levels: of the run, one more than there are steps.
    """
    steps = range(max(len(levels) - 1, 1))
    return min(steps, key=lambda step: abs(levels[step] - sigma)) + 1


def _curves(entries: Sequence[GuidanceEntry], levels: Sequence[float]) -> list[dict[str, Any]]:
    """Name, colour and points of everybody."""
    names = tuple(dict.fromkeys(entry.name for entry in entries))
    points: dict[str, list[list[float | None]]] = {name: [] for name in names}
    for entry in entries:
        points[entry.name].append([step_of(entry.sigma, levels), round(entry.sigma, DIGITS), _mean(entry.likeness)])
    return [{**person, "points": points[name]} for person, name in zip(page_people(names), names, strict=True)]


def _mean(likeness: Sequence[float]) -> float | None:
    known = [value for value in likeness if not math.isnan(value)]
    return round(sum(known) / len(known), DIGITS) if known else None


def _parts_of(maps: PlacementMaps, picture: int) -> dict[str, Any]:
    return {
        kind: [
            {"label": part.label, **_cells(part.maps[min(picture, len(part.maps) - 1)], PART_CELLS)}
            for part in _thinned(parts)
        ]
        for kind, parts in (("steps", maps.steps), ("layers", maps.layers))
    }


def _thinned(parts: Sequence[PartOfRun]) -> Sequence[PartOfRun]:
    return parts[:: max(1, -(-len(parts) // MOST_PARTS))]


def _cells(weights: Tensor, most: int) -> dict[str, Any]:
    packed = pack(weights, most)
    return {"grid": list(packed.shape), "data": base64.b64encode(packed.numpy().tobytes()).decode()}
