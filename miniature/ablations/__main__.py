"""Command: train the arms of the experiments, draw, judge and report. `python -m likeness.miniature.ablations`."""

from __future__ import annotations

import argparse
import logging
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import torch

from ...diffusers_host import attention
from ...diffusers_host.face_encoder import FaceEncoder
from ...models.errors import LikenessError
from ...models.ip_adapter.checkpoint import IPAdapter
from ...models.ip_adapter.checkpoint import load as load_ip_adapter
from ...models.miniature.files import (
    BASE,
    FACES,
    IP_ADAPTER,
    JUDGE,
    OMNIPORTRAIT,
    STAGE_ONE,
    UNIPORTRAIT,
    WEIGHTS,
    read_uniportrait,
)
from ...models.omniportrait.checkpoint import load as load_pivot
from ...models.uniportrait.checkpoint import UniPortraitAdapter, load
from ...models.weights.reading import read_state_dict
from ...models.weights.state_dict import subset
from ...training.batches.feature_store import FeatureStore
from ..judge.file import read_judge
from ..networks.checkpoint import read_base
from ..networks.faces import read_faces
from ..recipe.recipe import Recipe
from ..recipe.steps.omniportrait import read_pivot
from . import face_sizes, guided_experiments, noun_masks
from .arms import Arm, Renderer
from .claims import Experiment
from .experiments import (
    BY_FACES,
    BY_GLOBAL,
    BY_ROUTER,
    BY_WORDS,
    EXPERIMENTS,
    FREE_ROUTER,
    GLOBAL,
    HALVES,
    NO_ROUTER,
    NOISE_FREE,
    NOISELESS,
    ON,
    OWN_FACES,
    OWN_ROUTER,
    OWN_WORDS,
    PLAIN,
    ROUTER,
    SHARED,
    SHUFFLED,
    SOFT,
    SUMMED,
    SUMMED_ROUTER,
    UNDROPPED,
    UNREGULARISED,
    WITH_DROPS,
    WITHOUT_DROPS,
)
from .facestudio import experiments as styled_experiments
from .facestudio.run import run_facestudio
from .gallery import Gallery
from .guided_experiments import (
    DRAWN,
    NO_ETA,
    OVERLAP,
    PAPERS_ETA,
    PIVOT,
    PUBLISHED,
    UNLOCALISED,
    guided_arms,
    unguided_of,
)
from .guided_ladders import ladders, write_ladder_report
from .guided_report import write_guided_report
from .guided_sweeps import Sweep, sweeps
from .heads import true_heads
from .localisation import overlaps, questioned_people
from .matching import match, new_pairs
from .questions import new_questions, true_scenes
from .report import write_placed_report, write_report
from .routing import Way
from .settings import REPORTED, AblationSettings

REPORT = Path(__file__).resolve().parents[2] / "docs" / "ablations"
PAPERS = ("uniportrait", "omniportrait")
REPORTS = (*PAPERS, "ip_adapter", "guidance", "facestudio")
SWEEPS = "O5"
CLAIMED = (*EXPERIMENTS, *guided_experiments.EXPERIMENTS, *styled_experiments.EXPERIMENTS)
EVERY = (*(each.name for each in CLAIMED), SWEEPS)
TRAINED_ONE = {BY_GLOBAL: GLOBAL, WITHOUT_DROPS: UNDROPPED}
TRAINED_TWO = {FREE_ROUTER: UNREGULARISED, SUMMED_ROUTER: SUMMED, NOISE_FREE: NOISELESS}
TRAINED_PIVOTS = {NO_ETA: UNLOCALISED, PAPERS_ETA: PUBLISHED}


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
            store=FeatureStore(recipe.folder / "drawn"),
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
        written.append(_uniportrait(recipe, gallery, shipped, faces, report, weights, of_uniportrait))
    if "omniportrait" in reports and (of_omniportrait or SWEEPS in experiments):
        swept = sweeps(shipped, settings.guiding, settings.blocks) if SWEEPS in experiments else ()
        written.append(_omniportrait(recipe, gallery, shipped, report, weights, settings, of_omniportrait, swept))
    if "ip_adapter" in reports:
        written.append(
            _placed(gallery, shipped, load_ip_adapter(weights / IP_ADAPTER.name, dtype=torch.float32), report)
        )
    if "guidance" in reports:
        written.append(_guidance(gallery, shipped, report, settings))
    of_facestudio = [each for each in styled_experiments.EXPERIMENTS if each.name in experiments]
    if "facestudio" in reports and of_facestudio:
        asked = gallery.questions
        written.append(run_facestudio(recipe, base, faces, asked, report, settings, of_facestudio, weights=weights))
    return written


def _uniportrait(
    recipe: Recipe,
    gallery: Gallery,
    shipped: UniPortraitAdapter,
    faces: FaceEncoder,
    report: Path,
    weights: Path,
    experiments: Sequence[Experiment],
) -> Path:
    base, needed = gallery.renderer.base, {name for each in experiments for name in each.arms}
    one = {
        name: load(recipe.stage_one(base, faces, arm), dtype=torch.float32)
        for name, arm in TRAINED_ONE.items()
        if name in needed
    }
    first = subset(read_state_dict(weights / UNIPORTRAIT.name), STAGE_ONE)
    two = {
        name: load(first, recipe.stage_two(base, faces, arm, first), dtype=torch.float32)
        for name, arm in TRAINED_TWO.items()
        if name in needed
    }
    arms = _arms(shipped, one, two)
    for experiment in experiments:
        for name in experiment.arms:
            gallery.add(arms[name], experiment.people)
    return write_report(report, gallery, experiments)


def _placed(gallery: Gallery, shipped: UniPortraitAdapter, faceid: IPAdapter, report: Path) -> Path:
    ways: Mapping[str, Way] = {
        SHARED: "equal parts",
        BY_WORDS: "words",
        BY_FACES: "faces",
        HALVES: "halves",
        BY_ROUTER: "argmax",
    }
    for name, way in ways.items():
        router = shipped if way == "argmax" else None
        gallery.add(Arm(name=name, adapter=router, faceid=faceid, choice=way), 2)
    own: Mapping[str, Way] = {OWN_ROUTER: "argmax", OWN_WORDS: "words", OWN_FACES: "faces"}
    for name, way in own.items():
        gallery.add(Arm(name=name, adapter=shipped, choice=way), 2)
    return write_placed_report(report, gallery)


def _omniportrait(
    recipe: Recipe,
    gallery: Gallery,
    shipped: UniPortraitAdapter,
    report: Path,
    weights: Path,
    settings: AblationSettings,
    experiments: Sequence[Experiment],
    swept: Sequence[Sweep],
) -> Path:
    base, questions = gallery.renderer.base, gallery.questions[1]
    drawn = [each for each in experiments if each in DRAWN]
    needed = {name for each in drawn for name in each.arms}
    pivots = {
        name: read_pivot(recipe.omniportrait(base, arm)) for name, arm in TRAINED_PIVOTS.items() if name in needed
    }
    pivots[PIVOT] = load_pivot(weights / OMNIPORTRAIT.name)
    pairs, guiding = new_pairs(settings.pairs), settings.guiding
    gate = [match(base, pairs, block, sigma) for block in settings.blocks for sigma in settings.sigmas]
    heads = true_heads(true_scenes(len(questions)))[:, 0]
    measures = {
        "O6": lambda: face_sizes.measure(base, questions, heads, block=guiding.block),
        "O7": lambda: noun_masks.measure(base, questions, heads),
    }
    measured = {each.name: measures[each.name]() for each in experiments if each not in drawn}
    arms = {arm.name: arm for arm in guided_arms(shipped, pivots, guiding)}
    for experiment in drawn:
        for name in experiment.arms:
            unguided = unguided_of(arms[name])
            if unguided is not None:
                gallery.add(arms[unguided], experiment.people)
            gallery.add(arms[name], experiment.people, unguided)
    people = questioned_people(base, len(questions))
    for name in pivots.keys() & gallery.values.keys():
        gallery.values[name][OVERLAP] = overlaps(base, pivots[name], people)
    for sweep in swept:
        gallery.add(arms[sweep.unguided], 1)
        for arm in sweep.arms:
            gallery.add(arm, 1, sweep.unguided)
    return write_guided_report(report, gallery, gate, measured, swept, guiding, experiments)


def _guidance(gallery: Gallery, shipped: UniPortraitAdapter, report: Path, settings: AblationSettings) -> Path:
    galleries: dict[float, Gallery] = {}
    found = ladders(shipped, settings.guiding)
    for ladder in found:
        drawing = replace(settings.drawing, guidance=ladder.scale)
        at_scale = galleries.setdefault(ladder.scale, gallery.drawn_by(drawing))
        at_scale.add(ladder.unguided, 1)
        for arm in ladder.arms:
            at_scale.add(arm, 1, ladder.unguided.name)
    return write_ladder_report(report, galleries, found)


def _arms(
    shipped: UniPortraitAdapter, one: dict[str, UniPortraitAdapter], two: dict[str, UniPortraitAdapter]
) -> dict[str, Arm]:
    arms = [
        Arm(name=PLAIN),
        Arm(name=ON, adapter=shipped),
        Arm(name=SHUFFLED, adapter=shipped, is_shuffled=True),
        Arm(name=BY_GLOBAL, adapter=one.get(BY_GLOBAL), sees_means=True),
        Arm(name=WITHOUT_DROPS, adapter=one.get(WITHOUT_DROPS), structure_scale=1.0),
        Arm(name=WITH_DROPS, adapter=shipped, structure_scale=1.0),
        Arm(name=NO_ROUTER, adapter=shipped, choice="everybody"),
        Arm(name=FREE_ROUTER, adapter=two.get(FREE_ROUTER)),
        Arm(name=SUMMED_ROUTER, adapter=two.get(SUMMED_ROUTER)),
        Arm(name=ROUTER, adapter=shipped),
        Arm(name=SOFT, adapter=shipped, choice="softmax"),
        Arm(name=NOISE_FREE, adapter=two.get(NOISE_FREE)),
    ]
    return {arm.name: arm for arm in arms}


if __name__ == "__main__":
    sys.exit(main())
