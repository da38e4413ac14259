"""A face backbone under ComfyUI's memory management: its maps, and vectors of the faces asked for, from the pictures they are in."""

from __future__ import annotations

import copy

import numpy as np
import pytest
import torch
from likeness.models.face.alignment import CROP_SIZE, align, template
from likeness.models.face.iresnet import IResNet
from likeness.models.face.types import Face
from likeness.models.uniportrait.encode import face_vectors

pytestmark = pytest.mark.comfy

CHANNELS = (4, 6, 8, 10)

IMAGES = tuple(np.random.default_rng(0).integers(0, 256, (2, 96, 120, 3), np.uint8))
WIDTH = 9


def network(seed=0):
    torch.manual_seed(seed)
    return IResNet(4, [(channels, 1) for channels in CHANNELS]).eval()


def managed(backbone):
    from likeness.host.encoders.backbone import manage_backbone

    return manage_backbone(backbone)


@pytest.fixture
def pixels():
    return torch.randn(2, 3, 112, 112, generator=torch.Generator().manual_seed(7))


def test_maps_are_the_network_s_own_on_the_cpu_without_a_graph(pixels):
    own = network(1)
    backbone = managed(copy.deepcopy(own))
    found = backbone.maps(pixels)
    assert backbone.channels == CHANNELS
    assert [tapped.shape for tapped in found] == [
        (2, width, 56 >> level, 56 >> level) for level, width in enumerate(CHANNELS)
    ]
    with torch.no_grad():
        for tapped, expected in zip(found, own(pixels), strict=True):
            assert (tapped.dtype, tapped.device.type, tapped.requires_grad) == (torch.float32, "cpu", False)
            torch.testing.assert_close(tapped, expected)


def test_a_face_is_read_once_whoever_asks_for_the_same_weights(pixels):
    first, again = network(2), network(2)
    read = []
    for each in (first, again):
        each.register_forward_hook(lambda module, inputs, output: read.append(len(inputs[0])))
    expected = managed(first).maps(pixels)
    assert read == [1, 1]
    backbone = managed(again)
    for found, each in zip(backbone.maps(pixels.flip(0)), expected, strict=True):
        assert torch.equal(found, each.flip(0))
    assert read == [1, 1]
    backbone.maps(pixels + 1)
    assert read == [1, 1, 1, 1]


def test_the_key_names_the_weights_whatever_their_type():
    key = managed(network(3)).key
    assert managed(network(3)).key == key
    assert managed(network(3).half()).key == key
    assert managed(network(4)).key != key


@pytest.fixture(scope="module")
def backbone():
    torch.manual_seed(0)
    return IResNet(4, [(4, 1), (4, 1), (4, 1), (WIDTH, 1)]).eval().requires_grad_(False)


@pytest.fixture
def recogniser(backbone):
    from likeness.host.encoders.backbone import ManagedBackbone
    from likeness.host.memory import manage

    return ManagedBackbone(manage(backbone))


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
    from likeness.host.encoders.backbone import ManagedBackbone
    from likeness.host.memory import manage

    assert recogniser.width == WIDTH
    again, other = copy.deepcopy(backbone), copy.deepcopy(backbone)
    with torch.no_grad():
        other.input_layer[0].weight.mul_(2)
    assert ManagedBackbone(manage(again)).key == recogniser.key
    assert ManagedBackbone(manage(other)).key != recogniser.key
