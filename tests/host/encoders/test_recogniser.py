"""The miniature's face recogniser in ComfyUI: vectors of the faces asked for, from the pictures that they are in."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from likeness.models.face.alignment import CROP_SIZE, align, template
from likeness.models.face.iresnet import IResNet
from likeness.models.face.types import Face
from likeness.models.miniature.face_vectors import face_vectors

pytestmark = pytest.mark.comfy

IMAGES = tuple(np.random.default_rng(0).integers(0, 256, (2, 96, 120, 3), np.uint8))
WIDTH = 9


@pytest.fixture(scope="module")
def backbone():
    torch.manual_seed(0)
    return IResNet(4, [(4, 1), (4, 1), (4, 1), (WIDTH, 1)]).eval().requires_grad_(False)


@pytest.fixture
def recogniser(backbone):
    from likeness.host.encoders.recogniser import BackboneRecogniser
    from likeness.host.memory import manage

    return BackboneRecogniser(backbone, manage(backbone))


def face(image_index, side, left=10.0, top=8.0):
    """Somebody in a square of a picture."""
    points = (template(CROP_SIZE) * side / CROP_SIZE + [left, top]).astype(np.float32)
    return Face(
        box=np.array([left, top, left + side, top + side], np.float32),
        points=points,
        score=1.0,
        crop=np.zeros((CROP_SIZE, CROP_SIZE, 3), np.uint8),
        index=0,
        image_index=image_index,
        image_size=(96, 120),
    )


def crops(faces, images=IMAGES):
    return np.stack([align(images[one.image_index], one.points) for one in faces])


def test_vectors_are_those_of_the_aligned_faces_in_their_order(recogniser, backbone):
    faces = [face(1, 60), face(0, 60), face(0, 70, left=40)]
    vectors = recogniser(faces, IMAGES)
    assert (vectors.shape, vectors.dtype) == ((3, WIDTH), torch.float32)
    assert vectors.device.type == "cpu"
    torch.testing.assert_close(vectors, face_vectors(backbone, crops(faces)))
    assert torch.cdist(vectors, vectors)[~torch.eye(3, dtype=torch.bool)].min() > 1e-3


def test_the_pictures_given_count_and_not_the_detectors_crops(recogniser, backbone):
    """As the published ConsistentID does, which shows recognisers other colours than detectors."""
    faces, exchanged = [face(0, 60), face(1, 60)], tuple(image[..., ::-1] for image in IMAGES)
    vectors = recogniser(faces, exchanged)
    torch.testing.assert_close(vectors, face_vectors(backbone, crops(faces)[..., ::-1].copy()))
    assert (vectors - recogniser(faces, IMAGES)).norm(dim=-1).min() > 1e-3


def test_vectors_carry_no_gradients(recogniser, backbone):
    backbone.requires_grad_(True)
    vectors = recogniser([face(0, 60)], IMAGES)
    backbone.requires_grad_(False)
    assert not vectors.requires_grad


def test_a_patcher_may_hold_the_backbone_beside_other_networks(backbone):
    from likeness.host.encoders.recogniser import BackboneRecogniser
    from likeness.host.memory import manage
    from torch import nn

    patcher = manage(nn.ModuleDict({"backbone": backbone, "other": nn.Linear(2, 2)}))
    vectors = BackboneRecogniser(backbone, patcher)([face(0, 60)], IMAGES)
    torch.testing.assert_close(vectors, face_vectors(backbone, crops([face(0, 60)])))
