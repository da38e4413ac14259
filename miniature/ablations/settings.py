"""The numbers of the experiments: how many pictures there are, and how they are drawn and guided."""

from __future__ import annotations

from dataclasses import dataclass

from ..studio.drawing import Settings
from .guiding import Guiding
from .matching import BLOCKS, SIGMAS

DRAWING, STYLED, GUIDING = Settings(), Settings(guidance=2.0), Guiding()


@dataclass(frozen=True, slots=True, kw_only=True)
class AblationSettings:
    """Everything that the reports depend on beside the networks.

    Attributes:
        pictures: of every arm.
        pairs: of faces that the gate matches.
        few_pictures: of arms about three people and about faces mixed as they stand, at most.
        drawing: how all pictures are drawn.
        styled: how those are that FaceStudio's own weights draw; chosen on 48 pictures of the world in which settings are chosen.
        guiding: how pictures are guided where an arm does not say otherwise.
        blocks: output blocks that the gate and a sweep compare.
        sigmas: noise levels of the gate.
    """

    pictures: int = 192
    pairs: int = 96
    few_pictures: int = 96
    drawing: Settings = DRAWING
    styled: Settings = STYLED
    guiding: Guiding = GUIDING
    blocks: tuple[int, ...] = BLOCKS
    sigmas: tuple[float, ...] = SIGMAS


REPORTED = AblationSettings()
