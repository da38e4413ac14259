"""OmniPortrait's claims, and how strong its guidance should be: from weights to a report."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from ....models.miniature.files import OMNIPORTRAIT
from ....models.omniportrait.checkpoint import load as load_pivot
from ....models.uniportrait.checkpoint import UniPortraitAdapter
from ...recipe.recipe import Recipe
from ...recipe.steps.omniportrait import read_pivot
from .. import face_sizes, noun_masks
from ..claims import Experiment
from ..gallery import Gallery
from ..heads import true_heads
from ..localisation import overlaps, questioned_people
from ..matching import match, new_pairs
from ..questions import true_scenes
from ..settings import AblationSettings
from .experiments import (
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
from .ladders import ladders, write_ladder_report
from .report import write_guided_report
from .sweeps import Sweep

TRAINED_PIVOTS = {NO_ETA: UNLOCALISED, PAPERS_ETA: PUBLISHED}


def run_omniportrait(
    recipe: Recipe,
    gallery: Gallery,
    shipped: UniPortraitAdapter,
    report: Path,
    weights: Path,
    settings: AblationSettings,
    experiments: Sequence[Experiment],
    swept: Sequence[Sweep],
) -> Path:
    """Train what OmniPortrait's claims need, measure, draw, judge and write; return the report's path."""
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


def run_guidance(gallery: Gallery, shipped: UniPortraitAdapter, report: Path, settings: AblationSettings) -> Path:
    """Draw every strength of Reference-Based Guidance at every scale, judge and write; return the report's path."""
    galleries: dict[float, Gallery] = {}
    found = ladders(shipped, settings.guiding)
    for ladder in found:
        drawing = replace(settings.drawing, guidance=ladder.scale)
        at_scale = galleries.setdefault(ladder.scale, gallery.drawn_by(drawing))
        at_scale.add(ladder.unguided, 1)
        for arm in ladder.arms:
            at_scale.add(arm, 1, ladder.unguided.name)
    return write_ladder_report(report, galleries, found)
