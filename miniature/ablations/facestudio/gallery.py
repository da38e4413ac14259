"""Every arm drawn and judged once."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass, field

import torch
from torch import Tensor

from ...judge.judge import Judge
from ...studio.drawing import decode
from ..gallery import SHOWN
from ..judging import Values
from .arms import ROWS, StyledArm, StyledRenderer, draw_arm
from .judging import judge_arm
from .questions import StyledQuestions

logger = logging.getLogger(__name__)


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class StyledGallery:
    """What was drawn and judged.

    Attributes:
        renderer: draws.
        judge: knows all styles.
        questions: by number of people.
        values: by arm.
        pictures: the first of every arm, (P, 3, H, W), 0–1.
    """

    renderer: StyledRenderer
    judge: Judge
    questions: Mapping[int, StyledQuestions]
    values: dict[str, Values] = field(default_factory=dict)
    pictures: dict[str, Tensor] = field(default_factory=dict)

    def add(self, arm: StyledArm) -> None:
        """Draw and judge an arm, if it is not there yet."""
        if arm.name in self.values:
            return
        asked = self.questions[arm.people]
        latents = draw_arm(self.renderer, arm, asked)
        pictures = torch.cat([decode(self.renderer.base, part) for part in latents.split(ROWS)])
        self.values[arm.name], self.pictures[arm.name] = judge_arm(self.judge, pictures, asked), pictures[:SHOWN]
        logger.info("Drew: %s", arm.name)

    def limits(self, people: int) -> Values:
        """Return what the judge says of true pictures, drawn in the style of the style picture."""
        asked = self.questions[people]
        return judge_arm(self.judge, asked.truth, asked)
