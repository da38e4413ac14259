"""Command: train the arms of the experiments, draw, judge and report. `python -m likeness.miniature.ablations`."""

from __future__ import annotations

import argparse
import logging
import sys
import time
from pathlib import Path

import torch

from ...models.checkpoint import subset
from ...models.errors import LikenessError
from ...models.files import read_state_dict
from ...models.miniature.folder import BASE, FACES, JUDGE, UNIPORTRAIT
from ...models.miniature.uniportrait_file import STAGE_ONE, read_uniportrait
from ...models.uniportrait.checkpoint import UniPortraitAdapter, load
from ..judge.file import read_judge
from ..networks.checkpoint import read_base
from ..networks.faces import read_faces
from ..recipe.stages import Kitchen
from ..studio.drawing import Settings
from .arms import Arm, draw_arm, judge_arm
from .experiments import (
    BY_GLOBAL,
    EXPERIMENTS,
    FREE_ROUTER,
    GLOBAL,
    NO_ROUTER,
    NOISE_FREE,
    NOISELESS,
    ON,
    PLAIN,
    ROUTER,
    SHUFFLED,
    SOFT,
    UNDROPPED,
    UNREGULARISED,
    WITH_DROPS,
    WITHOUT_DROPS,
)
from .questions import Questions, new_questions, shuffled
from .report import Results, write_report

REPORT = Path(__file__).resolve().parents[2] / "docs" / "ablations"
PICTURES = 192  # of every arm


def main() -> int:
    """Run everything that is not there yet; 0 when the report is written, 1 after a fault."""
    parser = argparse.ArgumentParser(prog="python -m likeness.miniature.ablations", description=__doc__)
    parser.add_argument("--pictures", type=int, default=PICTURES, help="of every arm")
    parser.add_argument("--folder", type=Path, required=True, help="of trained arms")
    parser.add_argument("--report", type=Path, default=REPORT, help="folder of the report")
    options = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s", stream=sys.stdout)
    torch.set_flush_denormal(True)
    started = time.monotonic()
    try:
        path = run(Kitchen(options.folder), options.pictures, options.report)
    except LikenessError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    sys.stdout.write(f"bench-miniature: wrote {path} ({(time.monotonic() - started) / 60:.0f} min)\n")
    return 0


def run(kitchen: Kitchen, pictures: int, report: Path) -> Path:
    """Train, draw, judge and write; gives the path of the report."""
    base, judge = read_base(BASE), read_judge(JUDGE)
    _, faces = read_faces(FACES)
    shipped = read_uniportrait(UNIPORTRAIT, dtype=torch.float32)
    one = {
        name: load(kitchen.stage_one(base, faces, arm), dtype=torch.float32)
        for name, arm in ((BY_GLOBAL, GLOBAL), (WITHOUT_DROPS, UNDROPPED))
    }
    first = subset(read_state_dict(UNIPORTRAIT), STAGE_ONE)
    two = {
        name: load(first, kitchen.stage_two(base, faces, arm, first), dtype=torch.float32)
        for name, arm in ((FREE_ROUTER, UNREGULARISED), (NOISE_FREE, NOISELESS))
    }
    arms = _arms(shipped, one, two)
    expressions, nobody = kitchen.expressions(), faces.nobody()
    channels = int(base.unet.config["in_channels"])
    questions = {people: new_questions(faces, count=pictures, people=people, channels=channels) for people in (1, 2)}
    values, entropies, drawn = {}, {}, {}
    for experiment in EXPERIMENTS:
        for name in experiment.arms:
            if name in values:
                continue
            asked = questions[experiment.people]
            shown: Questions = shuffled(asked) if name == SHUFFLED else asked
            drawn[name], entropies[name] = draw_arm(base, arms[name], shown, nobody, Settings())
            values[name] = judge_arm(judge, expressions, drawn[name], asked)
            logging.info("Drew: %s", name)
    limits = {people: judge_arm(judge, expressions, asked.scene.image, asked) for people, asked in questions.items()}
    results = Results(values=values, entropies=entropies, pictures=drawn, limits=limits, questions=questions)
    return write_report(report, results, _notes(pictures))


def _arms(
    shipped: UniPortraitAdapter, one: dict[str, UniPortraitAdapter], two: dict[str, UniPortraitAdapter]
) -> dict[str, Arm]:
    arms = [
        Arm(name=PLAIN, adapter=None),
        Arm(name=ON, adapter=shipped),
        Arm(name=SHUFFLED, adapter=shipped),
        Arm(name=BY_GLOBAL, adapter=one[BY_GLOBAL], look=lambda part: part.mean(2, keepdim=True).expand_as(part)),
        Arm(name=WITHOUT_DROPS, adapter=one[WITHOUT_DROPS], structure_scale=1.0),
        Arm(name=WITH_DROPS, adapter=shipped, structure_scale=1.0),
        Arm(name=NO_ROUTER, adapter=shipped, choice="everybody"),
        Arm(name=FREE_ROUTER, adapter=two[FREE_ROUTER]),
        Arm(name=ROUTER, adapter=shipped),
        Arm(name=SOFT, adapter=shipped, choice="softmax"),
        Arm(name=NOISE_FREE, adapter=two[NOISE_FREE]),
    ]
    return {arm.name: arm for arm in arms}


def _notes(pictures: int) -> list[str]:
    settings = Settings()
    return [
        f"{pictures} pictures an arm, the same captions, noise and portraits in all of them; people and world are ones that "
        f"no network has seen. {settings.steps} steps of Euler, guidance {settings.guidance}. Means with bootstrap intervals "
        "of 95 %, differences paired; a claim holds if the interval of its difference lies on the expected side of 0, and "
        "fails if it lies on the other. *identity* is the mean of skin, hair colour and eyes (chance .19), *text* the share "
        "of what the caption says, *recognised* whether the judge picks everybody out of a line-up with 8 strangers, "
        "*blending* how far two faces agree beyond what the two people do, *copying* how often the mouth is open as on the "
        "portrait (chance about .5). Written by `make bench-miniature`; it says nothing about real models.",
    ]


if __name__ == "__main__":
    sys.exit(main())
