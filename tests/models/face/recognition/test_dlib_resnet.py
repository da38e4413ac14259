"""dlib's recogniser with its real weights, where the optional packages are installed."""

from __future__ import annotations

import sys

import numpy as np
import pytest
from likeness.models.errors import MissingPackageError
from likeness.models.face.recognition.dlib_resnet import PUBLISHED, DlibResNet, chip
from likeness.models.face.types import Face

# scikit-image's astronaut, 512 pixels
POINTS = np.float32([(204, 102), (247, 103), (224, 128), (201, 141), (245, 142)])


def face_at(points, picture):
    return Face(
        box=np.float32([0, 0, 1, 1]),
        points=points,
        score=1.0,
        crop=np.zeros((224, 224, 3), np.uint8),
        index=0,
        image_index=0,
        image_size=picture.shape[:2],
    )


@pytest.fixture(scope="module")
def astronaut():
    pytest.importorskip("dlib", reason="the optional package dlib-bin is not installed")
    pytest.importorskip("face_recognition_models")
    return pytest.importorskip("skimage.data").astronaut()


def turned(picture, degrees, scale=1.0):
    """The picture and its points turned about the face, and made larger or smaller."""
    import cv2

    matrix = cv2.getRotationMatrix2D((224, 120), degrees, scale)
    moved = POINTS @ matrix[:, :2].T + matrix[:, 2]
    return cv2.warpAffine(picture, matrix, picture.shape[1::-1]), moved.astype(np.float32)


@pytest.mark.parametrize(("degrees", "scale"), [(10, 1.0), (40, 1.0), (-90, 1.0), (0, 0.6)])
def test_a_face_stays_the_same_person_turned_and_smaller(astronaut, degrees, scale):
    other, points = turned(astronaut, degrees, scale)
    pictures = [astronaut, other]
    vectors = DlibResNet().vectors([face_at(POINTS, astronaut), face_at(points, other)], pictures)
    assert vectors.shape == (2, 128)
    assert float((vectors[0] - vectors[1]).norm()) < PUBLISHED.threshold / 2


def test_the_chip_is_upright_and_the_eyes_are_where_dlib_wants_them(astronaut):
    import dlib
    from face_recognition_models import pose_predictor_five_point_model_location

    found = chip(*turned(astronaut, 30))
    assert found.shape == (150, 150, 3)
    predictor = dlib.shape_predictor(pose_predictor_five_point_model_location())
    points = [(each.x, each.y) for each in predictor(found, dlib.rectangle(25, 25, 125, 125)).parts()]
    right, left = np.mean(points[:2], 0), np.mean(points[2:4], 0)
    assert abs(right[1] - left[1]) < 3
    assert 50 < np.mean([right[0], left[0], 150]) < 100


def test_nobody_has_no_vector():
    assert DlibResNet().vectors([], []).shape == (0, 128)


@pytest.mark.parametrize("package", ["dlib", "face_recognition_models"])
def test_a_missing_package_is_named_with_what_to_install(monkeypatch, package):
    monkeypatch.setitem(sys.modules, package, None)
    if package == "face_recognition_models":
        pytest.importorskip("dlib")
    picture = np.zeros((200, 200, 3), np.uint8)
    with pytest.raises(MissingPackageError, match=r"The recogniser dlib needs the package (dlib-bin|face-recog)"):
        DlibResNet().vectors([face_at(POINTS / 4, picture)], [picture])
