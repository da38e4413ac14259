"""All arms of FaceStudio's experiments from weights to the report."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import torch

from ....diffusers_host.base import Base
from ....diffusers_host.face_encoder import FaceEncoder
from ....models.clip.prior_file import load as load_prior
from ....models.facestudio.background import Background
from ....models.facestudio.checkpoint import FaceStudioAdapter
from ....models.facestudio.checkpoint import load as load_facestudio
from ....models.ip_adapter.checkpoint import load as load_ip_adapter
from ....models.miniature.files import FACESTUDIO, IP_ADAPTER, JUDGE, PRIOR, STYLE_ADAPTER, STYLED_READERS
from ....training.batches.feature_store import FeatureStore
from ...judge.file import read_styled_judge
from ...recipe.recipe import Recipe
from ...recipe.shipped import ShippedRecipe
from ...recipe.styles.recipe import DROP_ARMS, SHIPPED_STYLE, StyleArm, StyleRecipe
from ...studio.facestudio import Adapters
from ..claims import Experiment
from ..questions import Questions, new_questions
from ..settings import AblationSettings
from . import experiments as named
from .arms import StyledArm, StyledRenderer
from .experiments import EXPERIMENTS, LEVELS, ZERO_SHOT_LEVELS
from .gallery import StyledGallery
from .questions import StyledQuestions, style_questions
from .report import write_styled_report

Trained = Mapping[StyleArm, FaceStudioAdapter]


def run_facestudio(
    recipe: Recipe,
    base: Base,
    faces: FaceEncoder,
    asked: Mapping[int, Questions],
    report: Path,
    settings: AblationSettings,
    experiments: Sequence[Experiment] = EXPERIMENTS,
    *,
    weights: Path,
) -> Path:
    """Train what does not ship, draw, judge and write.

    Args:
        recipe: in whose folder FaceStudio is trained otherwise, and arms are kept.
        base, faces: the miniature's.
        asked: questions by number of people; those that miss are made.
        report: folder of the report.
        settings: how many pictures there are and how they are drawn.
        experiments: which of the claims.
        weights: folder of the files that ship.

    Returns:
        The path of the report.

    Raises:
        LikenessError: if a file is not there or is something else.
    """
    trained = _trained(recipe, experiments, weights)
    zero_shot = Adapters(
        *(load_ip_adapter(weights / file.name, dtype=torch.float32) for file in (STYLE_ADAPTER, IP_ADAPTER))
    )
    prior, channels = load_prior(weights / PRIOR.name), int(base.unet.config["in_channels"])
    counts = {1: settings.pictures, 2: settings.pictures, 3: min(settings.pictures, settings.few_pictures)}

    def ask(people: int) -> StyledQuestions:
        plain = asked.get(people) or new_questions(faces, count=counts[people], people=people, channels=channels)
        return style_questions(base, faces, prior, plain)

    gallery = StyledGallery(
        renderer=StyledRenderer(
            base=base,
            settings=settings.styled,
            adapted=settings.drawing,
            store=FeatureStore(recipe.folder / "drawn", holds_nan=True),
        ),
        judge=read_styled_judge(weights / JUDGE.name, weights / STYLED_READERS.name),
        questions={people: ask(people) for people in sorted({1, *(each.people for each in experiments)})},
    )
    arms = {arm.name: arm for arm in new_arms(trained, zero_shot, settings)}
    for name in dict.fromkeys(name for experiment in experiments for name in experiment.arms):
        gallery.add(arms[name])
    return write_styled_report(report, gallery, experiments)


def new_arms(trained: Trained, zero_shot: Adapters, settings: AblationSettings) -> list[StyledArm]:
    """Return all arms.

    Args:
        trained: FaceStudio by training; arms of one that is missing are left out.
        zero_shot: what draws without it.
        settings: how many pictures some arms have.
    """
    own, few = trained[SHIPPED_STYLE], settings.few_pictures
    arms = [StyledArm(name=named.alpha_name(level), brings=own, alpha=level) for level in LEVELS]
    arms += [StyledArm(name=named.zero_shot_name(each), brings=zero_shot, alpha=each) for each in ZERO_SHOT_LEVELS]
    arms += [
        StyledArm(name=named.FACELESS, brings=own, has_faces=False),
        StyledArm(name=named.ZERO_SHOT_FACELESS, brings=zero_shot, has_faces=False),
        StyledArm(name=named.BARE, brings=own, hides=False),
        StyledArm(name=named.BARE_FACELESS, brings=own, hides=False, has_faces=False),
    ]
    arms += [
        StyledArm(
            name=named.beta_name(level, is_literal=is_literal),
            brings=own,
            beta=level,
            is_literal=is_literal,
            pictures=few if is_literal else None,
        )
        for is_literal in (False, True)
        for level in (LEVELS[1:-1] if is_literal else LEVELS)
    ]
    backgrounds: Iterable[tuple[str, Background]] = zip(
        named.MASKED, ("none", "mean", "random", "nearest", "freeze"), strict=True
    )
    arms += [
        StyledArm(name=named.SHARED, brings=own, people=2),
        StyledArm(name=named.COLUMNS, brings=own, people=2, places="columns"),
        *(
            StyledArm(name=name, brings=own, people=2, places="silhouettes", background=background)
            for name, background in backgrounds
        ),
        StyledArm(name=named.ZERO_SHOT_SHARED, brings=zero_shot, people=2),
        StyledArm(name=named.ZERO_SHOT_MASKS, brings=zero_shot, people=2, places="silhouettes"),
        StyledArm(name=named.THREE_SHARED, brings=own, people=3),
        StyledArm(name=named.THREE_MASKS, brings=own, people=3, places="silhouettes"),
        StyledArm(name=named.FROZEN_SHARED, brings=own, people=3, background="freeze"),
        StyledArm(name=named.FROZEN_MASKS, brings=own, people=3, places="silhouettes", background="freeze"),
    ]
    alphas = {named.TEXT: 0.0, named.PICTURE: 1.0, named.FACE: None}
    return arms + [
        StyledArm(name=named.dropped_name(training, used), brings=adapter, alpha=alpha)
        for training, adapter in trained.items()
        if training is not SHIPPED_STYLE
        for used, alpha in alphas.items()
    ]


def _trained(recipe: Recipe, experiments: Sequence[Experiment], weights: Path) -> Trained:
    """FaceStudio as it ships, and as the experiments need it besides."""
    shipped = load_facestudio(weights / FACESTUDIO.name, dtype=torch.float32)
    needed = {name for each in experiments for name in each.arms}
    trainings = StyleRecipe(ShippedRecipe(recipe.folder, recipe.settings))
    further = {
        arm: load_facestudio(trainings.facestudio(arm), description=shipped.description, dtype=torch.float32)
        for arm in DROP_ARMS.values()
        if any(named.dropped_name(arm, used) in needed for used in named.USES)
    }
    return {SHIPPED_STYLE: shipped} | further
