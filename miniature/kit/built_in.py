"""The kit of the evaluation room and what the miniature adds."""

from __future__ import annotations

from pathlib import Path

from ...evaluation.built_in import KIT as EVERYBODY_S
from ...evaluation.kit import Kit
from ...evaluation.metrics.networks import Loader, Networks
from ...models.miniature.files import JUDGE
from ...models.miniature.finder import FinderDetector
from ..judge.file import read_judge
from .host import STUDIO
from .recogniser import JudgeRecogniser


def _recogniser(weights: Path | None) -> JudgeRecogniser:
    return JudgeRecogniser(read_judge(weights or JUDGE))


def _detector(weights: Path | None) -> FinderDetector:
    return FinderDetector(read_judge(weights or JUDGE).finder)


KIT = EVERYBODY_S.extended(
    Kit(
        hosts={"miniature": STUDIO},
        networks=Networks(recognisers={"judge": Loader(_recogniser)}, detectors={"judge": Loader(_detector)}),
    )
)
