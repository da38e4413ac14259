"""What a router has chosen in a run: taken again where it need not choose anew, and compared from one choice to the next."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from dataclasses import dataclass, field, replace

import torch
from torch import Tensor

from ..placement.standing import Standing
from ..port.attention import AttentionCall, PlacementRecorder


@dataclass(eq=False, slots=True)
class Choices:
    """The last choice at every layer.

    Attributes:
        every: noise levels from one choice to the next, at least 1.
        levels: the number of each noise level, in the order in which the run came to them.
        last: by layer, and by which part of which pictures: the number of the noise level, and who stands where.
    """

    every: int
    levels: dict[float, int] = field(default_factory=dict)
    last: dict[Hashable, tuple[int, Standing]] = field(default_factory=dict)

    def at(self, layer: int, call: AttentionCall, choose: Callable[[], Standing]) -> Standing:
        """Who stands where at a layer.

        Args:
            layer: its index.
            call: what is being computed.
            choose: asked at every so many-th noise level.
        """
        number = self.levels.setdefault(call.sigma, len(self.levels))
        place = (layer, call.grid, call.crop, call.samples)
        before = self.last.get(place)
        if before is not None and self.every > 1 and number // self.every == before[0] // self.every:
            return before[1]
        standing = choose()
        if before is not None and number != before[0] and call.run.recorder is not None:
            compare(before[1], standing, call.run.recorder)
        self.last[place] = number, _without_graph(standing)
        return standing


def compare(before: Standing, now: Standing, recorder: PlacementRecorder) -> None:
    """Tell a recorder how much of one choice is that of another, by whoever is strongest at each position."""
    recorder.compare(_strongest(before), _strongest(now))


def _strongest(standing: Standing) -> Tensor:
    if standing.choice is not None:
        return standing.choice
    assert standing.weights is not None  # of several people, for one has no router
    return standing.weights.argmax(dim=-1)


@torch.inference_mode(False)  # what is kept in inference mode has no place in the graph of a guided pass
def _without_graph(standing: Standing) -> Standing:
    weights = standing.weights
    return standing if weights is None else replace(standing, weights=weights.detach().clone())
