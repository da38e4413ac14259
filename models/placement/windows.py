"""When an effect is on: windows on the noise level."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

SLACK = 1e-5  # relative; more than float32 rounding of a noise level, less than any step


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


def merge_boundary(sigmas: Sequence[float], step: int, *, inclusive: bool) -> tuple[float, float]:
    """The noise levels between which a run goes over from text alone to merged faces.

    A step lasts from its own noise level down to just above the next one, so that samplers which look at levels in
    between stay in the phase of their step.

    Args:
        sigmas: noise levels of the run, from high to low, one more than there are steps.
        step: `start_merge_step`, counted from 0.
        inclusive: whether that step itself still reads the text alone (`i <= start_merge_step`).

    Returns:
        The lowest level that reads the text alone, and the highest that reads the merged prompt.

    Reference: ConsistentID (arXiv:2404.16771), delayed conditioning; `<=` as in the published code.
    """
    first = max(step + inclusive, 0)
    return beside(sigmas[first]) if first < len(sigmas) - 1 else (0.0, -math.inf)  # never


def beside(sigma: float) -> tuple[float, float]:
    """Two neighbouring float32 noise levels just above one that is to count as passed; nothing lies between them."""
    above = np.float32(sigma * (1 + SLACK))
    return float(above), float(np.nextafter(above, np.float32(0)))
