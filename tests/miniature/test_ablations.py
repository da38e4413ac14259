"""The experiments: intervals, verdicts, questions that only differ in what an arm changes, and the report."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
import torch

pytest.importorskip("diffusers")

from likeness.miniature.ablations.bootstrap import difference, estimate
from likeness.miniature.ablations.experiments import EXPERIMENTS, LEEWAY, ON, PLAIN, Claim
from likeness.miniature.ablations.questions import new_questions, shuffled
from likeness.miniature.ablations.report import ONE, TWO, Results, write_report
from likeness.miniature.identity import identities, numbers_of
from likeness.miniature.recipe.backbone import new_backbone
from likeness.miniature.recipe.image_encoder import new_image_encoder
from likeness.training.face_encoder import FaceEncoder
from PIL import Image


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
    ],
)
def test_a_claim_holds_only_where_the_interval_lies_on_its_side(expected, shift, verdict):
    noise = np.random.default_rng(2).normal(0, 0.05, 200)
    drawn = {"new": {"identity": (0.5 + shift + noise).tolist()}, "old": {"identity": [0.5] * 200}}
    found, said = Claim("identity", "new", "old", expected).test(drawn)
    assert said == verdict
    assert found.mean == pytest.approx(shift, abs=0.02)


def test_every_claim_is_about_arms_and_metrics_of_its_experiment():
    assert [experiment.name for experiment in EXPERIMENTS] == ["U1", "U2", "U3", "U4", "U5", "U6"]
    for experiment in EXPERIMENTS:
        for claim in experiment.claims:
            assert {claim.arm, claim.other} <= set(experiment.arms)
            assert claim.metric in (ONE if experiment.people == 1 else TWO)


def test_questions_are_about_people_whom_no_network_has_seen(questions):
    for people, asked in questions.items():
        assert asked.scene.codes.shape == (4, people, 7)
        assert torch.isin(numbers_of(asked.scene.codes), identities("held out")).all()
        assert asked.intrinsic.shape[:2] == asked.structure.shape[:2] == asked.references.shape[:2] == (4, people)


def test_shuffling_changes_nothing_but_the_portraits(questions):
    asked = questions[2]
    other = shuffled(asked)
    assert other.noise is asked.noise
    assert other.scene is asked.scene
    assert torch.equal(other.intrinsic[0], asked.intrinsic[2])
    assert not any(torch.equal(mine, theirs) for mine, theirs in zip(other.references, asked.references, strict=True))


def test_the_report_tells_every_arm_and_every_verdict(questions, tmp_path):
    generator = np.random.default_rng(3)
    names = {arm for experiment in EXPERIMENTS for arm in experiment.arms}
    values = {name: {metric: generator.random(4).tolist() for metric in {*ONE, *TWO}} for name in names}
    values[ON] = {**values[ON], "identity": [0.9, 0.91, 0.92, 0.93]}
    values[PLAIN] = {**values[PLAIN], "identity": [0.2, 0.21, 0.22, 0.2]}
    results = Results(
        values=values,
        entropies=dict.fromkeys(names, 0.25),
        pictures=dict.fromkeys(names, torch.rand(4, 3, 128, 128)),
        limits={1: values[ON], 2: values[ON]},
        questions=questions,
    )
    text = write_report(tmp_path, results, ["Four pictures."]).read_text("utf-8")
    assert all(f"| {name} |" in text for name in names)
    assert "identity: UniPortrait, stage I minus no adapter: 0.70" in text
    assert "**holds**" in text
    assert "entropy 0.250 nats" in text
    for experiment in EXPERIMENTS:
        with Image.open(tmp_path / f"{experiment.name}.png") as strip:
            assert strip.size == (4 * 128, (1 + len(experiment.arms)) * 128)


def test_an_arm_of_stage_one_that_sees_the_mean_sees_no_place(questions):
    from likeness.miniature.ablations.experiments import GLOBAL
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
