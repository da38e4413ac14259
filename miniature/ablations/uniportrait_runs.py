"""UniPortrait's claims, and ways to place the people of FaceID: from weights to a report."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import torch

from ...diffusers_host.face_encoder import FaceEncoder
from ...models.ip_adapter.checkpoint import IPAdapter
from ...models.miniature.files import STAGE_ONE, UNIPORTRAIT
from ...models.uniportrait.checkpoint import UniPortraitAdapter, load
from ...models.weights.reading import read_state_dict
from ...models.weights.state_dict import subset
from ..recipe.recipe import Recipe
from .arms import Arm
from .claims import Experiment
from .experiments import (
    BY_FACES,
    BY_GLOBAL,
    BY_ROUTER,
    BY_WORDS,
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
from .gallery import Gallery
from .report import write_placed_report, write_report
from .routing import Way

TRAINED_ONE = {BY_GLOBAL: GLOBAL, WITHOUT_DROPS: UNDROPPED}
TRAINED_TWO = {FREE_ROUTER: UNREGULARISED, SUMMED_ROUTER: SUMMED, NOISE_FREE: NOISELESS}


def run_uniportrait(
    recipe: Recipe,
    gallery: Gallery,
    shipped: UniPortraitAdapter,
    faces: FaceEncoder,
    report: Path,
    weights: Path,
    experiments: Sequence[Experiment],
) -> Path:
    """Train what UniPortrait's claims need beside what ships, draw, judge and write; return the report's path."""
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
    arms = uniportrait_arms(shipped, one, two)
    for experiment in experiments:
        for name in experiment.arms:
            gallery.add(arms[name], experiment.people)
    return write_report(report, gallery, experiments)


def run_placed(gallery: Gallery, shipped: UniPortraitAdapter, faceid: IPAdapter, report: Path) -> Path:
    """Draw two people of UniPortrait and of FaceID in every place, judge and write; return the report's path."""
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


def uniportrait_arms(
    shipped: UniPortraitAdapter, one: dict[str, UniPortraitAdapter], two: dict[str, UniPortraitAdapter]
) -> dict[str, Arm]:
    """Return all arms by name; one whose training, by its arm's name in `one` or `two`, was not asked for has no adapter."""
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
