"""Questions: about people whom no network has seen, and the same but for what an arm changes."""

from __future__ import annotations

import pytest
import torch

pytest.importorskip("diffusers")

from likeness.diffusers_host.face_encoder import FaceEncoder
from likeness.miniature.ablations.questions import SEED, new_questions, shuffled, true_scenes
from likeness.miniature.recipe.steps.backbone import new_backbone
from likeness.miniature.recipe.steps.image_encoder import new_image_encoder
from likeness.miniature.world.people.identity import identities, numbers_of
from likeness.miniature.world.world import World


@pytest.fixture(scope="module")
def faces():
    torch.manual_seed(0)
    return FaceEncoder(backbone=new_backbone().eval(), image_encoder=new_image_encoder().eval())


@pytest.fixture(scope="module")
def questions(faces):
    return {people: new_questions(faces, count=4, people=people, channels=4) for people in (1, 2)}


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


def test_portraits_say_whether_their_mouths_are_open(questions):
    portraits = World(seed=SEED, split="held out", with_regions=True).portraits(range(4), people=2)
    assert torch.equal(questions[2].opening.flatten(), portraits.plan.pose.opening[:, 0] > 0)
    assert torch.equal(questions[2].references.flatten(0, 1), portraits.image)


def test_questions_name_the_networks_that_described_the_portraits(faces, questions):
    torch.manual_seed(1)
    other = FaceEncoder(backbone=new_backbone().eval(), image_encoder=faces.image_encoder)
    asked = new_questions(other, count=1, people=1, channels=4)
    assert asked.described_by != questions[1].described_by == questions[2].described_by
    assert torch.equal(asked.noise, questions[1].noise[:1])
    assert not torch.allclose(asked.intrinsic, questions[1].intrinsic[:1])
