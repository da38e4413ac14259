"""FaceStudio's experiments ask about arms and metrics that there are."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

pytest.importorskip("diffusers")

from likeness.miniature.ablations.claims import Claim
from likeness.miniature.ablations.facestudio.experiments import ALPHAS, BETAS, EXPERIMENTS, LITERAL
from likeness.miniature.ablations.facestudio.report import FURTHER
from likeness.miniature.ablations.facestudio.run import new_arms
from likeness.miniature.ablations.facestudio.trends import Trend
from likeness.miniature.ablations.settings import AblationSettings
from likeness.miniature.recipe.styles.recipe import DROP_ARMS, SHIPPED_STYLE
from likeness.miniature.studio.facestudio import Adapters
from likeness.tests.miniature.ablations.papers_claims import assert_asks

OWN, OFTEN, FEWER, FEWEST = (SimpleNamespace() for _ in range(4))
ADAPTERS = Adapters(SimpleNamespace(), SimpleNamespace())
ARMS = {
    arm.name: arm
    for arm in new_arms(
        dict(zip((SHIPPED_STYLE, *DROP_ARMS.values()), (OWN, OFTEN, FEWER, FEWEST), strict=True)),
        ADAPTERS,
        AblationSettings(),
    )
}


def test_every_arm_of_an_experiment_is_drawn_for_its_people_and_none_is_idle():
    for experiment in EXPERIMENTS:
        assert {ARMS[name].people for name in experiment.arms} == {experiment.people}
    assert ARMS.keys() == {name for experiment in EXPERIMENTS for name in experiment.arms}


def test_claims_are_about_arms_of_their_experiment():
    for experiment in EXPERIMENTS:
        for claim in (*experiment.claims, *FURTHER.get(experiment.name, ())):
            named = (
                (claim.arm, claim.other)
                if isinstance(claim, Claim)
                else claim.arms
                if isinstance(claim, Trend)
                else (claim.arm,)
            )
            assert set(named) <= set(experiment.arms)


@pytest.mark.parametrize(
    ("asked", "paper"),
    [
        (("identity", "α = 1", "α = 1, no face"), (0.86, 0.47)),
        (("identity", "α = 0", "α = 1, no face"), (0.71, 0.47)),
        (("identity", "α = 1", "α = 0"), (0.86, 0.71)),
    ],
)
def test_the_first_experiment_asks_what_table_1_says(asked, paper):
    assert_asks(EXPERIMENTS, "F1", asked, paper)


def test_sweeps_go_from_text_to_picture_and_from_one_to_the_other():
    assert [ARMS[name].alpha for name in ALPHAS] == [0, 0.25, 0.5, 0.75, 1]
    assert [ARMS[name].beta for name in BETAS] == [ARMS[name].beta for name in LITERAL] == [0, 0.25, 0.5, 0.75, 1]
    assert [ARMS[name].is_literal for name in LITERAL] == [False, True, True, True, False]
    assert BETAS[0] == LITERAL[0]


def test_what_is_dropped_less_often_is_another_training():
    drops = {"drop 0.64": OFTEN, "drop 0.1": FEWER, "drop 0.064": FEWEST}
    for name, brings in drops.items():
        used = [ARMS[f"{name}, {each}"] for each in ("text and face", "picture and face", "face alone")]
        assert all(arm.brings is brings for arm in used)
        assert [arm.alpha for arm in used] == [0.0, 1.0, None]


def test_backgrounds_lie_around_silhouettes():
    masked = [arm for arm in ARMS.values() if arm.places == "silhouettes" and arm.brings is OWN and arm.people == 2]
    assert [arm.background for arm in masked] == ["none", "mean", "random", "nearest", "freeze"]
