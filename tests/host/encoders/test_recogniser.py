"""Face recognisers in ComfyUI: vectors of the faces asked for, from the pictures that they are in."""

from __future__ import annotations

import copy

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

    return BackboneRecogniser(manage(backbone))


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


def pictures(faces, images=IMAGES):
    return [images[one.image_index] for one in faces]


def crops(faces, images=IMAGES):
    return np.stack([align(picture, one.points) for one, picture in zip(faces, pictures(faces, images), strict=True)])


def test_vectors_are_those_of_the_aligned_faces_in_their_order(recogniser, backbone):
    faces = [face(1, 60), face(0, 60), face(0, 70, left=40)]
    vectors = recogniser.vectors(faces, pictures(faces))
    assert (vectors.shape, vectors.dtype) == ((3, WIDTH), torch.float32)
    assert vectors.device.type == "cpu"
    torch.testing.assert_close(vectors, face_vectors(backbone, crops(faces)))
    assert torch.cdist(vectors, vectors)[~torch.eye(3, dtype=torch.bool)].min() > 1e-3


def test_the_pictures_given_count_and_not_the_detectors_crops(recogniser, backbone):
    """As the published ConsistentID does, which shows recognisers other colours than detectors."""
    faces, exchanged = [face(0, 60), face(1, 60)], tuple(image[..., ::-1] for image in IMAGES)
    vectors = recogniser.vectors(faces, pictures(faces, exchanged))
    torch.testing.assert_close(vectors, face_vectors(backbone, crops(faces)[..., ::-1].copy()))
    assert (vectors - recogniser.vectors(faces, pictures(faces))).norm(dim=-1).min() > 1e-3


def test_vectors_carry_no_gradients(recogniser, backbone):
    backbone.requires_grad_(True)
    vectors = recogniser.vectors([face(0, 60)], [IMAGES[0]])
    backbone.requires_grad_(False)
    assert not vectors.requires_grad


def test_vectors_are_as_wide_as_the_deepest_map_and_known_by_their_weights(recogniser, backbone):
    from likeness.host.encoders.recogniser import BackboneRecogniser
    from likeness.host.memory import manage

    assert recogniser.width == WIDTH
    again, other = copy.deepcopy(backbone), copy.deepcopy(backbone)
    with torch.no_grad():
        other.input_layer[0].weight.mul_(2)
    assert BackboneRecogniser(manage(again)).key == recogniser.key
    assert BackboneRecogniser(manage(other)).key != recogniser.key


def test_arcface_describes_each_face_in_its_picture(tmp_path):
    from likeness.host.encoders.recogniser import OnnxRecogniser
    from likeness.models.face.recognition import describe
    from likeness.tests.models.face import synthetic_detectors

    pytest.importorskip("insightface")
    path = synthetic_detectors.arcface(tmp_path / "a.onnx")
    recogniser, faces = OnnxRecogniser(path), [face(1, 60), face(0, 60)]
    vectors = recogniser.vectors(faces, pictures(faces))
    assert vectors.shape == (2, recogniser.width) == (2, 512)
    for vector, one, picture in zip(vectors, faces, pictures(faces), strict=True):
        np.testing.assert_allclose(vector, describe(one, picture, path), rtol=1e-6)
    assert (vectors[0] - vectors[1]).abs().max() > 1e-4


def test_arcface_is_known_by_the_content_of_its_file(tmp_path):
    from likeness.host.encoders.recogniser import OnnxRecogniser
    from likeness.tests.models.face import synthetic_detectors

    synthetic_detectors.arcface(tmp_path / "a")
    (tmp_path / "b").write_bytes((tmp_path / "a").read_bytes())
    synthetic_detectors.landmarks(tmp_path / "c")
    keys = [OnnxRecogniser(tmp_path / name).key for name in "abc"]
    assert keys[0] == keys[1] != keys[2]
