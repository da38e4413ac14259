"""UniPortrait's arms and the places of FaceID's people, drawn by small networks and reported."""

from __future__ import annotations

import pytest

pytest.importorskip("diffusers")
pytest.importorskip("open_clip")

from likeness.miniature.ablations.experiments import EXPERIMENTS, NO_ROUTER, PLACED
from likeness.miniature.ablations.gallery import Gallery
from likeness.miniature.ablations.uniportrait_runs import TRAINED_ONE, TRAINED_TWO, run_placed, uniportrait_arms
from likeness.miniature.judge.file import read_judge
from likeness.tests.miniature.ablations.small_studio import questions as questions
from likeness.tests.miniature.ablations.small_studio import renderer as renderer
from likeness.tests.miniature.ablations.small_studio import studio as studio
from likeness.tests.miniature.small_files import write_files

SHIPPED = object()


def test_every_arm_of_the_claims_is_there_with_what_was_trained_for_it():
    one, two = ({name: object() for name in trained} for trained in (TRAINED_ONE, TRAINED_TWO))
    arms = uniportrait_arms(SHIPPED, one, two)
    assert {name for each in EXPERIMENTS for name in each.arms} == arms.keys()
    assert all(arms[name].adapter is adapter for name, adapter in (one | two).items())
    assert arms[NO_ROUTER].adapter is SHIPPED


def test_an_arm_whose_training_nobody_asked_for_has_no_adapter():
    arms = uniportrait_arms(SHIPPED, {}, {})
    assert all(arms[name].adapter is None for name in (*TRAINED_ONE, *TRAINED_TWO))


@pytest.fixture(scope="module")
def judge(tmp_path_factory):
    return read_judge(write_files(tmp_path_factory.mktemp("judge"))["judge"])


def test_people_are_drawn_in_every_place_and_reported(studio, renderer, questions, judge, tmp_path):
    gallery = Gallery(renderer=renderer, judge=judge, expressions=None, questions=questions)
    text = run_placed(gallery, studio.adapter, studio.ip_adapter, tmp_path).read_text("utf-8")
    drawn = {name for experiment in PLACED for name in experiment.arms}
    assert gallery.drawn.keys() == drawn
    assert all(f"| {name} |" in text for name in drawn)
