"""People at the places where somebody who looks at the running picture has found them."""

from __future__ import annotations

from collections.abc import Hashable, MutableMapping
from dataclasses import dataclass
from typing import Any, Literal, Protocol

import torch
from torch import Tensor
from torch.nn.functional import one_hot

from ..errors import InvalidSettingError
from ..port.attention import AttentionCall, AttentionSite
from .masks import to_grid

Otherwise = Literal["everybody", "nobody", "nearest"]
Memory = MutableMapping[Hashable, Any]  # what has been kept since the run began

OTHERWISE: tuple[Otherwise, ...] = ("everybody", "nobody", "nearest")
ENDED = -1.0  # below every noise level: asks what was known at the end of a run
INSIDE = 0.5  # a score above it is inside of a person's region
SHARPNESS = 4  # power of scores by which people share a place; in plain proportion faces blended as without a placement


@dataclass(frozen=True, eq=False, slots=True)
class Regions:
    """Where people have been found so far, as scores that fall with the distance from them.

    Attributes:
        scores: of S pictures and P people, (S, P, h, w) float32, 0–1, above `INSIDE` inside of a region.
        found: who has been found in which picture at least once, (S, P) bool.
    """

    scores: Tensor
    found: Tensor


class Look(Protocol):
    """Somebody who looks for people while a picture is drawn; frozen, what it finds lies in the run."""

    def regions(self, memory: Memory, sigma: float) -> Regions | None:
        """What was found at the noise levels before this one; None before the first look has ended.

        People are numbered by their place in the chain.
        """
        ...

    def resume(self, memory: Memory, regions: Regions) -> None:
        """Begin with what another run has found, of which this one is the continuation."""
        ...


@dataclass(frozen=True, eq=False, slots=True)
class Found:
    """Everybody stands where a look has found them at the step before; before the first look all share everything.

    Attributes:
        look: finds people.
        places: of N people, in what is found.
        otherwise: whose the rest is. "everybody": as long as some have not been found, they share it in equal parts, then it is
            nobody's; "nobody": nobody's from the beginning; "nearest": that of whoever is nearest, as soon as one is found.
        is_soft: whether people share a place, in proportion to a power of their scores; else it belongs to the highest alone.

    Raises:
        InvalidSettingError: if `otherwise` is something else.
    """

    look: Look
    places: tuple[int, ...]
    otherwise: Otherwise = "everybody"
    is_soft: bool = False

    def __post_init__(self) -> None:
        if self.otherwise not in OTHERWISE:
            raise InvalidSettingError(f'not_found is "{self.otherwise}"; choose one of: {", ".join(OTHERWISE)}.')

    def __call__(self, site: AttentionSite, call: AttentionCall) -> Tensor:
        """Weights (B, L, N), whatever the polarity of the rows."""
        del site
        regions = self.look.regions(call.run.found, call.sigma)
        if regions is None:
            rows, positions, _ = call.query.shape
            share = call.query.new_full((1, 1, 1), 1 / len(self.places))
            return share.expand(rows, positions, len(self.places))
        key = (self, call.grid, call.crop, call.samples, call.query.dtype, call.query.device)
        held: tuple[Regions, Tensor] | None = call.run.found.get(key)
        if held is None or held[0] is not regions:
            held = (regions, self._weights(regions, call))
            call.run.found[key] = held
        return held[1]

    @torch.inference_mode(False)  # guided passes take a graph through what is multiplied with it
    @torch.no_grad()
    def _weights(self, regions: Regions, call: AttentionCall) -> Tensor:
        scores, found = self._of(regions, call.samples)
        resized = to_grid(scores.flatten(0, 1), call.grid, call.crop).unflatten(0, scores.shape[:2])  # (B, N, L)
        return divide(resized, found, self.otherwise, is_soft=self.is_soft).mT.to(call.query)

    def _of(self, regions: Regions, samples: tuple[int, ...]) -> tuple[Tensor, Tensor]:
        """Scores (B, N, h, w) and who is found (B, N), of some pictures; pictures and people that nobody looked at are not found."""
        pictures, people = regions.found.shape
        scores = regions.scores.new_zeros(len(samples), len(self.places), *regions.scores.shape[2:])
        found = regions.found.new_zeros(len(samples), len(self.places))
        for row, sample in enumerate(samples):
            for column, place in enumerate(self.places):
                if sample < pictures and place < people:
                    scores[row, column] = regions.scores[sample, place]
                    found[row, column] = regions.found[sample, place]
        return scores, found


def divide(scores: Tensor, found: Tensor, otherwise: Otherwise, *, is_soft: bool) -> Tensor:
    """Divide places among people.

    Args:
        scores: (B, N, L), 0–1, above `INSIDE` inside of a person's region.
        found: (B, N) bool; what is not found has no region.
        otherwise, is_soft: see `Found`.

    Returns:
        Weights (B, N, L) float32, at every position at most 1 in all.
    """
    there = found[..., None]
    known = torch.where(there, scores, torch.zeros_like(scores))
    # the first of equals would win a place that nobody has claimed
    nearest = one_hot(torch.where(there, scores, torch.full_like(scores, -1)).argmax(1), scores.shape[1]).mT
    if is_soft:
        claims = (known / INSIDE) ** SHARPNESS
        own = claims / claims.sum(1, keepdim=True).clamp(min=1e-6) * claims.amax(1, keepdim=True).clamp(max=1)
    else:
        own = nearest * (known > INSIDE)
    rest = (1 - own.sum(1, keepdim=True)).clamp(min=0)
    if otherwise == "everybody":
        missing = (~there).to(scores)
        return own + rest * missing / missing.sum(1, keepdim=True).clamp(min=1)
    if otherwise == "nearest":
        anybody = there.any(1, keepdim=True)
        shared = torch.full_like(scores, 1 / scores.shape[1])
        return torch.where(anybody, own + rest * nearest, shared)
    return own.to(scores)
