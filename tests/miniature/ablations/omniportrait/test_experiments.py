"""OmniPortrait's experiments: every arm that is claimed about is drawn, and differs in what its name says."""

from __future__ import annotations

from dataclasses import replace

import pytest

pytest.importorskip("diffusers")
pytest.importorskip("open_clip")

from likeness.miniature.ablations.arms import Arm
from likeness.miniature.ablations.experiments import ON, PLAIN, ROUTER
from likeness.miniature.ablations.guiding import WITH_PIVOT, WITH_TOKENS, Guiding
from likeness.miniature.ablations.omniportrait.experiments import (
    BESIDE,
    BY_WORD,
    DRAWN,
    EVERYWHERE,
    GUIDED,
    GUIDED_TWO,
    MEASURED,
    NO_ETA,
    NO_STRENGTH,
    ON_GUIDED,
    PAPERS_ETA,
    PIVOT,
    PIVOT_GUIDED,
    ROUTER_GUIDED,
    STRANGERS,
    TOGETHER,
    WITHOUT_HAIR,
    guided_arms,
    unguided_of,
)
from likeness.tests.miniature.ablations.papers_claims import assert_asks

GUIDING = Guiding(block=2, start=3.0)
ADAPTER, PIVOTS = object(), {NO_ETA: object(), PAPERS_ETA: object(), PIVOT: object()}


@pytest.fixture(scope="module")
def arms():
    return {arm.name: arm for arm in guided_arms(ADAPTER, PIVOTS, GUIDING)}


@pytest.mark.parametrize("experiment", [*DRAWN, *MEASURED], ids=lambda experiment: experiment.name)
def test_every_claim_is_about_arms_and_metrics_of_its_experiment(experiment):
    assert len(set(experiment.arms)) == len(experiment.arms)
    for claim in experiment.claims:
        assert {claim.arm, claim.other} <= set(experiment.arms)
        assert claim.metric in experiment.metrics


@pytest.mark.parametrize(
    ("name", "metric", "arm", "other", "paper"),
    [
        ("O1", "identity", PAPERS_ETA, NO_ETA, (69.13, 35.01)),  # table 2
        ("O1", "text", PAPERS_ETA, NO_ETA, (24.25, 22.11)),
        ("O2", "identity", ON_GUIDED, ON, (69.13, 63.87)),
        ("O2", "text", ON_GUIDED, ON, (24.25, 24.88)),
        ("O3", "identity", GUIDED, EVERYWHERE, (69.13, 33.42)),
        ("O3", "text", GUIDED, EVERYWHERE, (24.25, 19.34)),
        ("O4", "identity", PIVOT_GUIDED, GUIDED, (69.13, 14.15)),
        ("O4", "identity", PIVOT_GUIDED, PIVOT, (69.13, 63.87)),
    ],
)
def test_a_claim_asks_what_the_papers_numbers_say(name, metric, arm, other, paper):
    assert_asks(DRAWN, name, (metric, arm, other), paper)


def test_all_claims_but_the_sweeps_are_asked_once_each():
    names = sorted(experiment.name for experiment in (*DRAWN, *MEASURED))
    assert names == ["Controls", "O1", "O2", "O3", "O4", "O6", "O7", "O8"]


def test_the_arms_are_those_of_the_experiments(arms):
    assert arms.keys() == {name for experiment in DRAWN for name in experiment.arms}
    assert len(arms) == len(guided_arms(ADAPTER, PIVOTS, GUIDING))


def test_every_guided_arm_has_one_that_differs_in_the_guidance_alone(arms):
    for arm in arms.values():
        name = unguided_of(arm)
        assert (name is None) == (arm.guiding is None)
        if name is None:
            continue
        unguided = arms[name]
        same = replace(arm, name=name, guiding=None, is_shuffled=False)  # without guidance nobody's portrait is seen
        assert (same.adapter, same.pivot, same.choice) == (unguided.adapter, unguided.pivot, unguided.choice)
        assert unguided.guiding is None


@pytest.mark.parametrize(
    ("name", "changed"),
    [
        (GUIDED, {}),
        (EVERYWHERE, {"keeps_background": False}),
        (BY_WORD, {"where": "word"}),
        (WITHOUT_HAIR, {"where": "face"}),
        (BESIDE, {"where": "beside"}),
        (NO_STRENGTH, {"strength": 0.0}),
        (STRANGERS, {}),
        (TOGETHER, {"together": True}),
        (ON_GUIDED, {"strength": WITH_TOKENS}),
        (ROUTER_GUIDED, {"strength": WITH_TOKENS}),
        (PIVOT_GUIDED, {"strength": WITH_PIVOT}),
    ],
)
def test_an_arm_is_guided_as_its_name_says(arms, name, changed):
    assert arms[name].guiding == replace(GUIDING, **changed)
    assert arms[name].is_shuffled == (name == STRANGERS)


def test_arms_have_the_adapters_of_their_names(arms):
    assert (arms[PLAIN].adapter, arms[PLAIN].pivot) == (None, None)
    assert arms[ON].adapter is arms[ROUTER].adapter is arms[ON_GUIDED].adapter is ADAPTER
    assert all(arms[name].pivot is pivot for name, pivot in PIVOTS.items())
    assert arms[GUIDED_TWO].adapter is None


def test_an_arm_of_a_sweep_is_compared_with_no_guidance():
    assert unguided_of(Arm(name="s = 3", guiding=GUIDING)) == PLAIN
