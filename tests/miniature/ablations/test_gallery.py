"""The gallery: every arm is drawn and judged once."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
import torch

pytest.importorskip("diffusers")

from likeness.miniature.ablations.arms import Arm, Renderer
from likeness.miniature.ablations.gallery import SHOWN, Gallery
from likeness.miniature.ablations.guiding import Guiding
from likeness.miniature.ablations.questions import new_questions
from likeness.miniature.judge.file import read_judge
from likeness.miniature.judge.readers import new_expression_reader
from likeness.miniature.networks.checkpoint import read_base
from likeness.miniature.networks.faces import read_faces
from likeness.miniature.studio.drawing import Settings
from likeness.tests.miniature.small_files import write_files
from likeness.training.batches.feature_store import FeatureStore

COUNT = 2


@pytest.fixture(scope="module")
def parts(tmp_path_factory):
    paths = write_files(tmp_path_factory.mktemp("small"))
    networks, faces = read_faces(paths["faces"])
    renderer = Renderer(
        base=read_base(paths["base"]),
        finder=networks.finder,
        nobody=faces.nobody(),
        settings=Settings(steps=1),
        store=FeatureStore(tmp_path_factory.mktemp("drawn"), holds_nan=True),
    )
    questions = {people: new_questions(faces, count=COUNT, people=people, channels=4) for people in (1, 2)}
    return {
        "renderer": renderer,
        "judge": read_judge(paths["judge"]),
        "expressions": new_expression_reader(),
        "questions": questions,
    }


@pytest.fixture
def gallery(parts):
    return Gallery(**parts)


def test_an_arm_is_drawn_and_judged_and_hung_under_its_name(gallery):
    gallery.add(Arm(name="plain"), 1)
    assert gallery.drawn.keys() == gallery.values.keys() == gallery.pictures.keys() == {"plain"}
    assert {len(values) for values in gallery.values["plain"].values()} == {COUNT}
    assert {"identity", "text", "copying"} <= gallery.values["plain"].keys()
    assert "outside" not in gallery.values["plain"]
    shown = gallery.drawn["plain"].pictures(gallery.renderer.base)
    assert torch.equal(gallery.pictures["plain"], shown[:SHOWN])


def test_what_hangs_there_is_not_drawn_again(gallery):
    gallery.add(Arm(name="plain"), 1)
    hung = gallery.drawn["plain"]
    gallery.add(Arm(name="plain", is_shuffled=True), 2)
    assert gallery.drawn["plain"] is hung


def test_another_way_to_draw_has_an_empty_gallery_of_the_same_questions(gallery):
    gallery.add(Arm(name="plain"), 1)
    other = gallery.drawn_by(Settings(steps=2))
    assert not other.drawn
    assert other.questions is gallery.questions
    other.add(Arm(name="plain"), 1)
    assert not torch.equal(other.drawn["plain"].latents, gallery.drawn["plain"].latents)
    assert gallery.drawn.keys() == {"plain"}


def test_two_people_are_asked_whether_they_blend(gallery):
    gallery.add(Arm(name="two"), 2)
    assert "blending" in gallery.values["two"]
    assert "copying" not in gallery.values["two"]


def test_a_guided_arm_is_compared_with_the_unguided_one(gallery):
    guiding = Guiding(block=1, start=5000.0)
    gallery.add(Arm(name="plain"), 1)
    gallery.add(Arm(name="guided", guiding=guiding), 1, "plain")
    gallery.add(Arm(name="idle", guiding=replace(guiding, strength=0.0)), 1, "plain")
    outside = gallery.values["idle"]["outside"]
    assert all(math.isnan(value) or value == 0 for value in outside)
    assert len(gallery.values["guided"]["outside"]) == len(gallery.values["guided"]["likeness"]) == COUNT
    assert "likeness" not in gallery.values["idle"]


def test_the_limits_are_of_the_true_pictures(gallery):
    limits = gallery.limits(1)
    assert {len(values) for values in limits.values()} == {COUNT}
    gallery.add(Arm(name="plain"), 1)
    assert limits != gallery.values["plain"]
