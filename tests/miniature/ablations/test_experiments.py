"""UniPortrait's experiments: what they compare, and how their arms are trained."""

from __future__ import annotations

import pytest
import torch

pytest.importorskip("diffusers")

from dataclasses import replace

from likeness.miniature.ablations.experiments import (
    BY_GLOBAL,
    EXPERIMENTS,
    FREE_ROUTER,
    GLOBAL,
    NO_ROUTER,
    NOISELESS,
    ON,
    ONE,
    PLAIN,
    ROUTER,
    SOFT,
    SUMMED,
    SUMMED_ROUTER,
    TWO,
    UNDROPPED,
    UNREGULARISED,
    WITH_DROPS,
    WITHOUT_DROPS,
)
from likeness.miniature.recipe.arms import PAPERS_DROPPING, SHIPPED_ONE, SHIPPED_TWO
from likeness.miniature.recipe.people import PeoplePool
from likeness.tests.miniature.ablations.papers_claims import assert_asks


@pytest.mark.parametrize("experiment", EXPERIMENTS, ids=lambda experiment: experiment.name)
def test_every_claim_is_about_arms_and_metrics_of_its_experiment(experiment):
    assert len(set(experiment.arms)) == len(experiment.arms)
    assert experiment.metrics == (ONE if experiment.people == 1 else TWO)
    for claim in experiment.claims:
        assert {claim.arm, claim.other} <= set(experiment.arms)
        assert claim.metric in experiment.metrics


@pytest.mark.parametrize(
    ("name", "metric", "arm", "other", "paper"),
    [
        ("U1", "identity", ON, PLAIN, (71.1, 4.4)),  # table 1
        ("U1", "text", ON, PLAIN, (26.1, 27.7)),
        ("U2", "identity", ON, BY_GLOBAL, (58.3, 45.5)),  # table 4
        ("U3", "identity", WITH_DROPS, WITHOUT_DROPS, (71.1, 64.5)),
        ("U3", "text", WITH_DROPS, WITHOUT_DROPS, (26.1, 25.9)),
        ("U4", "identity", FREE_ROUTER, NO_ROUTER, (59.1, 42.5)),  # table 3
        ("U4", "identity", SUMMED_ROUTER, FREE_ROUTER, (67.3, 59.1)),
        ("U4", "identity", ROUTER, FREE_ROUTER, (67.3, 59.1)),
        ("U5", "identity", ROUTER, SOFT, (67.3, 62.2)),
    ],
)
def test_a_claim_asks_what_the_papers_numbers_say(name, metric, arm, other, paper):
    assert_asks(EXPERIMENTS, name, (metric, arm, other), paper)


def test_the_six_claims_of_the_paper_are_asked_once_each():
    assert [experiment.name for experiment in EXPERIMENTS] == ["U1", "U2", "U3", "U4", "U5", "U6"]


def test_arms_differ_from_the_shipped_way_in_what_their_name_says():
    assert replace(UNDROPPED.dropping, token=PAPERS_DROPPING.token, path=PAPERS_DROPPING.path) == PAPERS_DROPPING
    assert (
        (UNDROPPED.dropping.token, UNDROPPED.dropping.path) == (0, 0) != (PAPERS_DROPPING.token, PAPERS_DROPPING.path)
    )
    shipped = SHIPPED_TWO.routing
    assert replace(UNREGULARISED.routing, weight=shipped.weight) == shipped != UNREGULARISED.routing
    assert replace(NOISELESS.routing, has_noise=True) == shipped != NOISELESS.routing
    assert replace(SUMMED.routing, form="mean") == shipped != SUMMED.routing
    suffixes = (
        [arm.suffix for arm in (GLOBAL, UNDROPPED, SHIPPED_ONE)],
        [arm.suffix for arm in (UNREGULARISED, NOISELESS, SUMMED, SHIPPED_TWO)],
    )
    assert all(len(set(each)) == len(each) for each in suffixes)  # files of arms are told apart by them


def test_an_arm_of_stage_one_that_sees_the_mean_sees_no_place():
    generator = torch.Generator().manual_seed(0)
    intrinsic, structure = (torch.randn(4, 1, 49, 8, generator=generator) for _ in range(2))
    pool = PeoplePool(
        latents=torch.zeros(4, 4, 16, 16),
        tokens=torch.zeros(4, 77, dtype=torch.int64),
        intrinsic=intrinsic,
        structure=structure,
        boxes=torch.zeros(4, 1, 4),
        present=torch.ones(4, 1, dtype=torch.bool),
        weights=torch.ones(4, 1, 16, 16),
    )
    seen = GLOBAL.select_features(pool)
    assert torch.equal(seen.intrinsic[:, :, 0], seen.intrinsic[:, :, 48])
    torch.testing.assert_close(seen.intrinsic.mean(2), intrinsic.mean(2))
    assert replace(GLOBAL, is_global=False).select_features(pool) is pool
