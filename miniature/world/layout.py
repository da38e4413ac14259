"""Where people stand, by how many there are."""

from __future__ import annotations

import math
from dataclasses import dataclass

from .people.appearance import SCALE

SHIFT = 0.02  # how far a face may be from its place, either way, share of the picture's side
GRAIN = 8  # pixels; windows are multiples of it, so that no vector of a processor is cut

Window = tuple[slice, slice]  # rows and columns


@dataclass(frozen=True, slots=True)
class Reach:
    """How far from the middle of a face something is painted, in units of half a head's height.

    Attributes:
        up: upwards; negative if it begins below the middle.
        aside: to the left and right.
        down: downwards.
    """

    up: float
    aside: float
    down: float


FEATURES = Reach(1.0, 1.0, 1.0)
HEAD = Reach(1.5, 1.45, 2.3)  # with long hair
BODY = Reach(-0.4, 1.45, math.inf)


@dataclass(frozen=True, slots=True)
class Layout:
    """A picture's places from left to right; lengths are shares of the picture's side.

    Attributes:
        places: x and y of the middle of each face on average.
        scale: half a head's height on average.
        front: numbers of the places, those in front first.
    """

    places: tuple[tuple[float, float], ...]
    scale: float
    front: tuple[int, ...]

    def window(self, place: int, size: int, reach: Reach) -> Window:
        """Return the pixels that somebody's part can cover, wherever they stand and however large they are."""
        x, y = self.places[place]
        aside = self._length(reach.aside)
        return _span(y - self._length(reach.up), y + self._length(reach.down), size), _span(x - aside, x + aside, size)

    def _length(self, units: float) -> float:
        """Return the greatest length of that many units, with the greatest shift."""
        return SHIFT + units * self.scale * (1 + SCALE if units > 0 else 1 - SCALE)


def _span(low: float, high: float, size: int) -> slice:
    """Return the whole grains from one share of the side to another."""
    low, high = max(low, 0.0), min(high, 1.0)
    return slice(math.floor(low * size / GRAIN) * GRAIN, math.ceil(high * size / GRAIN) * GRAIN)


PORTRAIT = Layout(((0.50, 0.50),), 0.32, (0,))
ALONE = tuple(Layout(((x, 0.47),), 0.24, (0,)) for x in (0.28, 0.50, 0.72))  # by the code of the side
PAIRS = (
    Layout(((0.27, 0.47), (0.73, 0.41)), 0.185, (0, 1)),
    Layout(((0.27, 0.41), (0.73, 0.47)), 0.185, (1, 0)),
)
# Three and four people stand in two rows, so that their faces do not get too small.
THREES = (
    Layout(((0.20, 0.60), (0.50, 0.28), (0.80, 0.60)), 0.15, (0, 2, 1)),
    Layout(((0.20, 0.28), (0.50, 0.60), (0.80, 0.28)), 0.15, (1, 0, 2)),
)
FOURS = (
    Layout(((0.14, 0.60), (0.38, 0.27), (0.62, 0.60), (0.86, 0.27)), 0.132, (0, 2, 1, 3)),
    Layout(((0.14, 0.27), (0.38, 0.60), (0.62, 0.27), (0.86, 0.60)), 0.132, (1, 3, 0, 2)),
)
LAYOUTS = (PORTRAIT, *ALONE, *PAIRS, *THREES, *FOURS)
SCENES = (ALONE, PAIRS, THREES, FOURS)  # by the number of people, from 1
