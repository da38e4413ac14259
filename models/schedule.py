"""When an effect is on: windows on the noise level."""

from __future__ import annotations

import math
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class SigmaWindow:
    """A closed interval of noise levels, in the sampler's units.

    Attributes:
        start: highest sigma at which the effect is on (sampling runs from high to low).
        end: lowest sigma at which the effect is on.
    """

    start: float = math.inf
    end: float = 0.0

    def contains(self, sigma: float) -> bool:
        """Whether the effect is on at this noise level."""
        return self.end <= sigma <= self.start


ALWAYS = SigmaWindow()
