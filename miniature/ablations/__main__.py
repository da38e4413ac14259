"""Command: train the arms of the experiments, draw, judge and report. `python -m likeness.miniature.ablations`."""

from __future__ import annotations

import argparse
import logging
import sys
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import torch

from ...diffusers_host import attention
from ...models.errors import LikenessError
from ...models.ip_adapter.checkpoint import load as load_ip_adapter
from ...models.miniature.files import (
    BASE,
    FACES,
    IP_ADAPTER,
    JUDGE,
    UNIPORTRAIT,
    WEIGHTS,
    read_uniportrait,
)
from ...training.batches.feature_store import FeatureStore
from ..judge.file import read_judge
from ..networks.checkpoint import read_base
from ..networks.faces import read_faces
from ..recipe.recipe import Recipe
from .arms import Renderer
from .experiments import EXPERIMENTS
from .facestudio import experiments as styled_experiments
from .facestudio.run import run_facestudio
from .gallery import Gallery
from .omniportrait import experiments as guided_experiments
from .omniportrait.run import run_guidance, run_omniportrait
from .omniportrait.sweeps import sweeps
from .questions import new_questions
from .settings import REPORTED, AblationSettings
from .uniportrait_runs import run_placed, run_uniportrait

REPORT = Path(__file__).resolve().parents[2] / "docs" / "ablations"
PAPERS = ("uniportrait", "omniportrait")
REPORTS = (*PAPERS, "ip_adapter", "guidance", "facestudio")
SWEEPS = "O5"
CLAIMED = (*EXPERIMENTS, *guided_experiments.EXPERIMENTS, *styled_experiments.EXPERIMENTS)
EVERY = (*(each.name for each in CLAIMED), SWEEPS)


def main() -> int:
    """Run everything that is not there yet; return 0 when the reports are written, 1 after a fault."""
    parser = argparse.ArgumentParser(prog="python -m likeness.miniature.ablations", description=__doc__)
    parser.add_argument("--pictures", type=int, default=REPORTED.pictures, help="of every arm")
    parser.add_argument("--folder", type=Path, required=True, help="of trained arms and of what they drew")
    parser.add_argument("--report", type=Path, default=REPORT, help="folder of the reports")
    parser.add_argument("--reports", nargs="+", choices=REPORTS, default=REPORTS, help="which")
    parser.add_argument(
        "--experiments",
        nargs="+",
        choices=EVERY,
        default=EVERY,
        help="which of the claims; others that are reported stay",
    )
    options = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s", stream=sys.stdout)
    logging.getLogger(attention.__name__).setLevel(logging.WARNING)  # else a line for every part of an arm
    torch.set_flush_denormal(True)
    started = time.monotonic()
    try:
        settings = replace(REPORTED, pictures=options.pictures)
        paths = run(
            Recipe(options.folder), options.report, settings, options.reports, options.experiments, weights=WEIGHTS
        )
    except LikenessError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    minutes = (time.monotonic() - started) / 60
    sys.stdout.write(f"bench-miniature: wrote {', '.join(map(str, paths))} ({minutes:.0f} min)\n")
    return 0


def run(
    recipe: Recipe,
    report: Path,
    settings: AblationSettings = REPORTED,
    reports: Sequence[str] = REPORTS,
    experiments: Sequence[str] = EVERY,
    *,
    weights: Path,
) -> list[Path]:
    """Train, draw, judge and write.

    Args:
        recipe: makes the networks that do not ship.
        report: folder of the reports.
        settings: numbers of pictures and how they are drawn.
        reports: some of `REPORTS`: the claims of three papers, ways to place FaceID's people, and how strong the guidance should be.
        experiments: which of the claims, some of `EVERY`; what they alone need is trained and drawn.
        weights: folder of the files that ship.

    Returns:
        The paths of the reports.
    """
    base, judge = read_base(weights / BASE.name), read_judge(weights / JUDGE.name)
    networks, faces = read_faces(weights / FACES.name)
    shipped = read_uniportrait(weights / UNIPORTRAIT.name, dtype=torch.float32)
    channels = int(base.unet.config["in_channels"])
    gallery = Gallery(
        renderer=Renderer(
            base=base,
            finder=networks.finder,
            nobody=faces.nobody(),
            settings=settings.drawing,
            store=FeatureStore(recipe.folder / "drawn", holds_nan=True),
        ),
        judge=judge,
        expressions=recipe.expressions() if set(reports) & set(PAPERS) else None,
        questions={
            people: new_questions(faces, count=settings.pictures, people=people, channels=channels) for people in (1, 2)
        },
    )
    written: list[Path] = []
    of_uniportrait = [each for each in EXPERIMENTS if each.name in experiments]
    of_omniportrait = [each for each in guided_experiments.EXPERIMENTS if each.name in experiments]
    if "uniportrait" in reports and of_uniportrait:
        written.append(run_uniportrait(recipe, gallery, shipped, faces, report, weights, of_uniportrait))
    if "omniportrait" in reports and (of_omniportrait or SWEEPS in experiments):
        swept = sweeps(shipped, settings.guiding, settings.blocks) if SWEEPS in experiments else ()
        written.append(run_omniportrait(recipe, gallery, shipped, report, weights, settings, of_omniportrait, swept))
    if "ip_adapter" in reports:
        written.append(
            run_placed(gallery, shipped, load_ip_adapter(weights / IP_ADAPTER.name, dtype=torch.float32), report)
        )
    if "guidance" in reports:
        written.append(run_guidance(gallery, shipped, report, settings))
    of_facestudio = [each for each in styled_experiments.EXPERIMENTS if each.name in experiments]
    if "facestudio" in reports and of_facestudio:
        asked = gallery.questions
        written.append(run_facestudio(recipe, base, faces, asked, report, settings, of_facestudio, weights=weights))
    return written


if __name__ == "__main__":
    sys.exit(main())
