"""Every arm drawn and judged once."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from torch import Tensor

from ..judge.judge import Judge
from ..judge.readers import Reader
from ..studio.drawing import Settings
from .arms import Arm, Drawn, Renderer, draw_arm
from .heads import Previews
from .judging import Values, change_outside, judge_arm
from .questions import Questions

SHOWN = 8  # pictures of every arm

logger = logging.getLogger(__name__)


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class Gallery:
    """What was drawn and judged.

    Attributes:
        renderer: draws.
        judge: reads pictures.
        expressions: reads whether mouths are open; None where nobody asks for it.
        questions: by number of people.
        drawn: by arm.
        values: by arm.
        pictures: the first of every arm, (P, 3, H, W), 0–1.
    """

    renderer: Renderer
    judge: Judge
    expressions: Reader | None
    questions: Mapping[int, Questions]
    drawn: dict[str, Drawn] = field(default_factory=dict)
    values: dict[str, Values] = field(default_factory=dict)
    pictures: dict[str, Tensor] = field(default_factory=dict)

    def add(self, arm: Arm, people: int, unguided: str | None = None) -> None:
        """Draw and judge an arm, if it is not there yet.

        Args:
            arm: how.
            people: in its questions.
            unguided: the arm that differs from it in nothing but the guidance; it has to be there. What the guidance changed
                outside of heads is added to the values, and how alike features became if it has a strength.
        """
        if arm.name in self.values:
            return
        asked, base = self.questions[people], self.renderer.base
        drawn = draw_arm(self.renderer, arm, asked)
        pictures = drawn.pictures(base)
        values = judge_arm(self.judge, self.expressions, pictures, asked)
        if unguided is not None:
            plain = self.drawn[unguided].pictures(base, len(pictures))
            values["outside"] = change_outside(pictures, plain, Previews(base, self.judge.finder))
            if arm.guiding is not None and arm.guiding.strength:
                values["likeness"] = drawn.likeness[:, 1].tolist()
        self.drawn[arm.name], self.values[arm.name], self.pictures[arm.name] = drawn, values, pictures[:SHOWN]
        logger.info("Drew: %s", arm.name)

    def drawn_by(self, settings: Settings) -> Gallery:
        """An empty gallery for the same questions, drawn in another way."""
        return replace(self, renderer=replace(self.renderer, settings=settings), drawn={}, values={}, pictures={})

    def limits(self, people: int) -> Values:
        """Return what the judge says of true pictures."""
        asked = self.questions[people]
        return judge_arm(self.judge, self.expressions, asked.scene.image, asked)
