"""Whose each place of a picture is, and how clearly."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional
from torch.nn.functional import adaptive_avg_pool2d, avg_pool2d

NOBODY = -1
COARSE = 64  # cells on a side of the grid on which the middle of an area is looked for
FULL = 0.999


@dataclass(frozen=True, eq=False, slots=True)
class Winners:
    """The winner of every place of one picture.

    Attributes:
        people: the place of a person in the chain, or -1 for nobody, (H, W) int64.
        margins: the winner's weight less that of the second, where nobody counts as one, (H, W) float32, 0–1.
    """

    people: Tensor
    margins: Tensor

    def middle_of(self, person: int) -> tuple[int, int] | None:
        """Return (y, x) of a place well inside a person's largest area; None where the person wins nothing."""
        area = (self.people == person).float()
        if not area.any():
            return None
        height, width = area.shape
        coarse = adaptive_avg_pool2d(area[None], (min(height, COARSE), min(width, COARSE)))[0]
        side = min(coarse.shape) // 6 * 2 + 1
        fullness = avg_pool2d(coarse[None], side, stride=1, padding=side // 2)[0] * coarse  # the border counts as empty
        best = (fullness >= fullness.max() * FULL).nonzero().float()  # of a large area all of its inside
        y, x = best[((best - best.mean(0)) ** 2).sum(1).argmin()].tolist()
        return int((y + 0.5) * height / coarse.shape[0]), int((x + 0.5) * width / coarse.shape[1])

    def borders(self, width: int) -> Tensor:
        """Return where two areas meet, (H, W) bool, in lines as wide as a number of pixels."""
        people = self.people
        meets = torch.zeros_like(people, dtype=torch.bool)
        meets[1:] |= people[1:] != people[:-1]
        meets[:, 1:] |= people[:, 1:] != people[:, :-1]
        if width == 1:
            return meets
        grown = functional.max_pool2d(meets[None].float(), width, stride=1, padding=width // 2)[0] > 0
        return grown[: people.shape[0], : people.shape[1]]


def find_winners(maps: Tensor, size: tuple[int, int]) -> Winners:
    """Return whose each place of a picture is.

    Args:
        maps: weights of N people, (N, h, w), 0–1; what is missing to 1 is nobody's.
        size: (H, W) of the picture; weights between positions are bilinear.
    """
    best = _resize((1 - maps.sum(0)).clamp(min=0), size)
    people = torch.full(size, NOBODY)
    second = torch.zeros(size)
    for person, weights in enumerate(maps):  # one at a time: a large picture of many people takes much memory
        mine = _resize(weights, size)
        wins = mine > best
        second = torch.where(wins, best, torch.maximum(second, mine))
        people[wins] = person
        best = torch.maximum(best, mine)
    return Winners(people, (best - second).clamp(0, 1))


def _resize(weights: Tensor, size: tuple[int, int]) -> Tensor:
    return functional.interpolate(weights[None, None], size, mode="bilinear", align_corners=False)[0, 0]
