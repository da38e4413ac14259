"""Face vectors of a backbone: one direction per face, from the map that UniPortrait reads too."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from likeness.models.face.iresnet import IResNet
from likeness.models.miniature.face_vectors import face_vectors
from likeness.models.uniportrait.encode import backbone_input, join_features, preprocess

CROPS = np.random.default_rng(0).integers(0, 256, (3, 224, 224, 3), np.uint8)


@pytest.fixture(scope="module", params=[7, 12])
def backbone(request):
    torch.manual_seed(0)
    return IResNet(4, [(4, 1), (5, 1), (6, 1), (request.param, 1)]).eval()


def test_vectors_are_as_wide_as_the_deepest_map_and_of_length_one(backbone):
    vectors = face_vectors(backbone, CROPS)
    assert vectors.shape == (3, backbone.tap_channels[-1])
    assert vectors.dtype == torch.float32
    torch.testing.assert_close(vectors.norm(dim=-1), torch.ones(3))


def test_a_vector_points_where_the_mean_of_the_intrinsic_features_does(backbone):
    vectors = face_vectors(backbone, CROPS)
    for crop, vector in zip(CROPS, vectors, strict=True):
        with torch.no_grad():
            maps = backbone(backbone_input(preprocess(crop[None])))
        intrinsic = join_features(maps, torch.zeros(1, 16, 2)).intrinsic  # (1, 49, W)
        mean = intrinsic.mean((0, 1))
        torch.testing.assert_close(vector, mean / mean.norm(), atol=1e-5, rtol=1e-4)


def test_a_vector_depends_on_its_own_crop_and_on_no_other(backbone):
    vectors = face_vectors(backbone, CROPS)
    torch.testing.assert_close(face_vectors(backbone, CROPS[[2, 0]]), vectors[[2, 0]])
    changed = CROPS.copy()
    changed[1] = 255 - changed[1]
    others = face_vectors(backbone, changed)
    torch.testing.assert_close(others[[0, 2]], vectors[[0, 2]])
    assert (others[1] - vectors[1]).norm() > 1e-3


def test_colours_are_told_apart(backbone):
    turned = face_vectors(backbone, np.ascontiguousarray(CROPS[..., ::-1]))
    assert (turned - face_vectors(backbone, CROPS)).norm(dim=-1).min() > 1e-3


def test_vectors_carry_no_gradients(backbone):
    assert next(backbone.parameters()).requires_grad
    assert not face_vectors(backbone, CROPS[:1]).requires_grad
