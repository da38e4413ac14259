"""The gallery of FaceStudio's arms."""

from __future__ import annotations

import pytest
import torch

pytest.importorskip("diffusers")

from likeness.miniature.ablations.facestudio.arms import StyledArm
from likeness.miniature.ablations.facestudio.gallery import StyledGallery
from likeness.miniature.judge.file import read_styled_judge
from likeness.tests.miniature.ablations.facestudio.small_styled import COUNT
from likeness.tests.miniature.ablations.facestudio.small_styled import networks as networks
from likeness.tests.miniature.ablations.facestudio.small_styled import questions as questions
from likeness.tests.miniature.ablations.facestudio.small_styled import renderer as renderer
from likeness.tests.miniature.ablations.facestudio.small_styled import weights as weights


@pytest.fixture
def gallery(renderer, questions, weights):
    judge = read_styled_judge(weights / "judge.safetensors", weights / "styled_readers.safetensors")
    return StyledGallery(renderer=renderer, judge=judge, questions=questions)


def test_an_arm_is_drawn_and_judged_once_and_hung_under_its_name(gallery, networks):
    gallery.add(StyledArm(name="plain", brings=networks.facestudio))
    assert gallery.values.keys() == gallery.pictures.keys() == {"plain"}
    assert {len(values) for values in gallery.values["plain"].values()} == {COUNT}
    hung = gallery.pictures["plain"]
    assert hung.shape == (COUNT, 3, 128, 128)
    gallery.add(StyledArm(name="plain", brings=networks.adapters))
    assert gallery.pictures["plain"] is hung


def test_an_arm_of_few_pictures_is_judged_by_these(gallery, networks):
    gallery.add(StyledArm(name="few", brings=networks.facestudio, people=2, places="columns", pictures=2))
    assert {len(values) for values in gallery.values["few"].values()} == {2}
    assert "blending" in gallery.values["few"]


def test_the_limits_are_of_the_true_pictures_in_the_right_style(gallery, questions, monkeypatch):
    judged = []
    monkeypatch.setattr(
        "likeness.miniature.ablations.facestudio.gallery.judge_arm",
        lambda judge, pictures, asked: judged.append(pictures) or {},
    )
    gallery.limits(2)
    assert torch.equal(judged[0], questions[2].truth)
