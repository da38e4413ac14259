"""Every strength of the guidance, drawn by small networks at the scale of its ladder and reported."""

from __future__ import annotations

from dataclasses import replace

import pytest

pytest.importorskip("diffusers")
pytest.importorskip("open_clip")

from likeness.miniature.ablations.gallery import Gallery
from likeness.miniature.ablations.guiding import Guiding
from likeness.miniature.ablations.omniportrait.experiments import EXPERIMENTS
from likeness.miniature.ablations.omniportrait.ladders import ladders
from likeness.miniature.ablations.omniportrait.run import TRAINED_PIVOTS, run_guidance
from likeness.miniature.ablations.settings import AblationSettings
from likeness.miniature.judge.file import read_judge
from likeness.tests.miniature.ablations.small_studio import FEW
from likeness.tests.miniature.ablations.small_studio import questions as questions
from likeness.tests.miniature.ablations.small_studio import renderer as renderer
from likeness.tests.miniature.ablations.small_studio import studio as studio
from likeness.tests.miniature.small_files import write_files

GUIDING = Guiding(block=1, start=5000.0)  # the small networks have four output blocks


@pytest.fixture(scope="module")
def judge(tmp_path_factory):
    return read_judge(write_files(tmp_path_factory.mktemp("judge"))["judge"])


def test_what_is_trained_is_what_the_claims_draw():
    assert {name for each in EXPERIMENTS for name in each.arms} >= TRAINED_PIVOTS.keys()


def test_every_ladder_is_drawn_and_reported(studio, renderer, questions, judge, tmp_path):
    gallery = Gallery(renderer=renderer, judge=judge, expressions=None, questions=questions)
    settings = AblationSettings(pictures=len(questions[1]), drawing=replace(FEW, steps=1), guiding=GUIDING)
    text = run_guidance(gallery, studio.adapter, tmp_path, settings).read_text("utf-8")
    for ladder in ladders(studio.adapter, GUIDING):
        assert all(f"| {arm.name} |" in text for arm in ladder.arms)
