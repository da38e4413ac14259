"""The experiments: intervals, verdicts, questions that only differ in what an arm changes, and the report."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
import torch

pytest.importorskip("diffusers")

from likeness.diffusers_host.face_encoder import FaceEncoder
from likeness.evaluation.bootstrap import difference, estimate
from likeness.miniature.ablations.claims import LEEWAY, Claim
from likeness.miniature.ablations.experiments import EXPERIMENTS, GLOBAL, ONE, TWO
from likeness.miniature.ablations.guided_experiments import DRAWN, MEASURED
from likeness.miniature.ablations.questions import new_questions, shuffled, true_scenes
from likeness.miniature.recipe.steps.backbone import new_backbone
from likeness.miniature.recipe.steps.image_encoder import new_image_encoder
from likeness.miniature.world.people.identity import identities, numbers_of


@pytest.fixture(scope="module")
def faces():
    torch.manual_seed(0)
    return FaceEncoder(backbone=new_backbone().eval(), image_encoder=new_image_encoder().eval())


@pytest.fixture(scope="module")
def questions(faces):
    return {people: new_questions(faces, count=4, people=people, channels=4) for people in (1, 2)}


def test_an_interval_covers_the_true_mean_about_as_often_as_it_says():
    draws = np.random.default_rng(1).normal(0.5, 1, (200, 60))
    found = [estimate(row.tolist()) for row in draws]
    assert 0.88 < np.mean([each.low < 0.5 < each.high for each in found]) < 0.99
    assert found[0] == estimate(draws[0].tolist())


def test_pairs_without_a_value_on_one_side_are_left_out():
    nothing = math.nan
    assert difference([1.0, nothing, 3.0], [0.0, 1.0, nothing]).mean == 1
    assert math.isnan(estimate([nothing]).mean)


@pytest.mark.parametrize(
    ("expected", "shift", "verdict"),
    [
        ("higher", 0.3, "holds"),
        ("higher", -0.3, "fails"),
        ("higher", 0.0, "undecided"),
        ("lower", -0.3, "holds"),
        ("lower", 0.3, "fails"),
        ("not lower", 0.0, "holds"),
        ("not lower", -LEEWAY * 3, "fails"),
        ("higher by 0.2", 0.3, "holds"),
        ("higher by 0.2", 0.2, "undecided"),
        ("higher by 0.2", 0.1, "fails"),
        ("lower by 0.2", -0.3, "holds"),
        ("lower by 0.2", -0.1, "fails"),
        ("about the same", 0.0, "holds"),
        ("about the same", 0.05, "undecided"),
        ("about the same", 0.3, "fails"),
        ("about the same", -0.3, "fails"),
    ],
)
def test_a_claim_holds_only_where_the_interval_lies_on_its_side(expected, shift, verdict):
    noise = np.random.default_rng(2).normal(0, 0.05, 200)
    values = {"new": {"identity": (0.5 + shift + noise).tolist()}, "old": {"identity": [0.5] * 200}}
    what, _, by = expected.partition(" by ")
    claim = Claim("identity", "new", "old", what, by=float(by or 0.05 * (what == "about the same")))
    found, said = claim.test(values)
    assert said == verdict
    assert found.mean == pytest.approx(shift, abs=0.02)


def test_a_claim_of_a_third_is_about_three_times_the_value():
    values = {"masked": {"outside": [0.1, 0.12]}, "free": {"outside": [0.4, 0.42]}}
    claim = Claim("outside", "masked", "free", "lower", times=3)
    found, said = claim.test(values)
    assert found.mean == pytest.approx(3 * 0.11 - 0.41)
    assert said == "holds"
    assert claim.difference == "outside: 3 times masked minus free"
    assert Claim("outside", "masked", "free", "lower", times=5).test(values)[1] == "fails"


def test_an_arm_with_fewer_pictures_is_compared_on_these():
    values = {"new": {"identity": [1.0, 1.0]}, "old": {"identity": [0.0, 0.0, 5.0, 5.0]}}
    assert Claim("identity", "new", "old", "higher").test(values)[0].mean == 1
    assert Claim("identity", "old", "new", "higher").test(values)[0].mean == -1


def test_every_claim_is_about_arms_and_metrics_of_its_experiment():
    assert [experiment.name for experiment in EXPERIMENTS] == ["U1", "U2", "U3", "U4", "U5", "U6"]
    names = sorted(experiment.name for experiment in (*DRAWN, *MEASURED))
    assert names == ["Controls", "O1", "O2", "O3", "O4", "O6", "O7", "O8"]
    for experiment in (*EXPERIMENTS, *DRAWN, *MEASURED):
        assert len(set(experiment.arms)) == len(experiment.arms)
        for claim in experiment.claims:
            assert {claim.arm, claim.other} <= set(experiment.arms)
            assert claim.metric in experiment.metrics
    assert {experiment.metrics for experiment in EXPERIMENTS} == {ONE, TWO}


def test_questions_are_about_people_whom_no_network_has_seen(questions):
    for people, asked in questions.items():
        assert asked.scene.codes.shape == (4, people, 7)
        assert torch.isin(numbers_of(asked.scene.codes), identities("held out")).all()
        assert asked.intrinsic.shape[:2] == asked.structure.shape[:2] == asked.references.shape[:2] == (4, people)


def test_heads_on_portraits_are_faces_with_hair(questions):
    for people, asked in questions.items():
        assert asked.heads.shape == asked.faces.shape == (4, people, 128, 128)
        assert (asked.heads - asked.faces).min() > -1e-5
        assert (1.3 * asked.faces.sum((2, 3)) < asked.heads.sum((2, 3))).all()
        assert asked.heads.max() <= 1 + 1e-5


def test_true_scenes_are_those_of_the_questions_with_all_regions(questions):
    scene = true_scenes(4)
    assert torch.equal(scene.image, questions[1].scene.image)
    assert scene.regions is not None


def test_shuffling_changes_nothing_but_the_portraits(questions):
    asked = questions[2]
    other = shuffled(asked)
    assert other.noise is asked.noise
    assert other.scene is asked.scene
    for name in ("intrinsic", "structure", "opening", "references", "crops", "faces", "heads"):
        assert torch.equal(getattr(other, name)[0], getattr(asked, name)[2])
    assert not any(torch.equal(mine, theirs) for mine, theirs in zip(other.references, asked.references, strict=True))


def test_an_arm_of_stage_one_that_sees_the_mean_sees_no_place(questions):
    from likeness.miniature.recipe.people import PeoplePool

    asked = questions[1]
    pool = PeoplePool(
        latents=torch.zeros(4, 4, 16, 16),
        tokens=torch.zeros(4, 77, dtype=torch.int64),
        intrinsic=asked.intrinsic,
        structure=asked.structure,
        boxes=torch.zeros(4, 1, 4),
        present=torch.ones(4, 1, dtype=torch.bool),
        weights=torch.ones(4, 1, 16, 16),
    )
    seen = GLOBAL.look(pool)
    assert torch.equal(seen.intrinsic[:, :, 0], seen.intrinsic[:, :, 48])
    torch.testing.assert_close(seen.intrinsic.mean(2), asked.intrinsic.mean(2))
    assert replace(GLOBAL, is_global=False).look(pool) is pool
