"""Where heads are: in drawn pictures, around found faces, and beside them on purpose."""

from __future__ import annotations

import pytest
import torch

pytest.importorskip("diffusers")

import numpy as np
from likeness.miniature.ablations import heads
from likeness.miniature.ablations.heads import Beside, Previews, true_heads, widen
from likeness.miniature.world.regions import Region
from likeness.miniature.world.world import World
from likeness.models.face.types import Detection
from likeness.models.miniature.finder import FaceFinder
from likeness.models.omniportrait.guided_person import GuidedPerson
from likeness.models.omniportrait.mask_sources import FaceMasks
from likeness.models.placement.faces import SeenFaces
from likeness.models.port.guidance import GuidedStep
from likeness.tests.miniature.ablations.small_questions import base as base
from likeness.tests.miniature.ablations.small_questions import paths as paths


def test_a_head_is_the_face_with_ears_and_hair():
    scene = World(seed=3, with_regions=True).scenes(range(6), people=(2, 2))
    seen = true_heads(scene)
    assert seen.shape == scene.faces.shape
    rest = seen - scene.faces
    others = scene.regions[:, :, [Region.LEFT_EAR, Region.RIGHT_EAR, Region.HAIR]].sum(2)
    torch.testing.assert_close(rest, others, atol=1e-5, rtol=0)
    assert (rest.sum((2, 3)) > 0).all()


def test_previews_show_heads_around_faces(base, monkeypatch):
    seen = []

    def find(finder, picture, score):
        seen.append(picture.shape)
        return [Detection(np.array([20, 40, 60, 80], np.float32), np.zeros((5, 2), np.float32), 0.9)]

    monkeypatch.setattr(heads, "find_faces", find)
    [faces, _] = Previews(base, FaceFinder(), 0.25)(torch.randn(2, 4, 16, 16))
    assert seen == [(128, 128, 3)] * 2
    torch.testing.assert_close(faces.boxes * 128, torch.tensor([[10.0, 30.0, 70.0, 90.0]]))


def test_no_face_gives_no_box(base, monkeypatch):
    monkeypatch.setattr(heads, "find_faces", lambda finder, picture, score: [])
    assert [faces.boxes.shape for faces in Previews(base, FaceFinder())(torch.randn(2, 4, 16, 16))] == [(0, 4)] * 2


def test_boxes_grow_by_a_share_of_their_size():
    torch.testing.assert_close(widen(torch.tensor([[0.2, 0.2, 0.4, 0.6]]), 0.5), torch.tensor([[0.1, 0.0, 0.5, 0.8]]))


def test_beside_the_head_is_half_a_picture_farther():
    faces = FaceMasks(lambda latents: [SeenFaces(torch.tensor([[0.0, 0.0, 0.5, 1.0]]))])
    step = GuidedStep(features=torch.zeros(1, 2, 8, 8), size=(8, 8), sigma=1.0, denoised=torch.zeros(1, 4, 8, 8))
    people = (GuidedPerson(name="Ann"),)
    right = faces.find(people, step)
    wrong = Beside(faces).find(people, step)
    assert right[..., :4].any()
    assert not right[..., 4:].any()
    assert not wrong[..., :4].any()
    assert torch.equal(wrong[..., 4:], right[..., :4])
