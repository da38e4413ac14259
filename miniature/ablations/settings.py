"""The numbers of the experiments: how many pictures there are, how they are drawn and guided, and what the gate looks at."""

from __future__ import annotations

from dataclasses import dataclass

from ..studio.drawing import Settings
from .guiding import Guiding
from .matching import BLOCKS, SIGMAS

DRAWING, GUIDING = Settings(), Guiding()


@dataclass(frozen=True, slots=True, kw_only=True)
class AblationSettings:
    """Everything that the reports depend on beside the networks.

    Attributes:
        pictures: of every arm.
        pairs: of faces that the gate matches.
        drawing: how all pictures are drawn.
        guiding: how pictures are guided where an arm does not say otherwise.
        blocks: output blocks that the gate and a sweep compare.
        sigmas: noise levels of the gate.
    """

    pictures: int = 192
    pairs: int = 96
    drawing: Settings = DRAWING
    guiding: Guiding = GUIDING
    blocks: tuple[int, ...] = BLOCKS
    sigmas: tuple[float, ...] = SIGMAS


REPORTED = AblationSettings()
