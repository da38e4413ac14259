"""The networks of a package: what they are shown, what they say, and what is said where they are not there."""

from __future__ import annotations

import sys
from types import ModuleType

import numpy as np
import pytest
from likeness.models.errors import CorruptModelFileError, MissingPackageError
from likeness.models.face.mtcnn_networks import (
    cut_windows,
    judge,
    lend_networks,
    moved,
    networks_key,
    normalised,
    points,
    require_mtcnn,
    squares,
)
from likeness.tests.models.face.photographs import ASTRONAUT_POINTS, astronaut

FACE = np.array([[178.0, 60, 267, 172]])


@pytest.fixture
def package(tmp_path, monkeypatch):
    """A package of that name with files that hold other bytes."""
    (tmp_path / "weights").mkdir()
    for name in ("pnet", "rnet", "onet"):
        (tmp_path / "weights" / f"{name}.onnx").write_bytes(b"\x08\x00" + name.encode())
    module = ModuleType("mtcnnruntime")
    module.__file__ = str(tmp_path / "__init__.py")
    module.MTCNN = object
    monkeypatch.setitem(sys.modules, "mtcnnruntime", module)
    return tmp_path


def test_a_missing_package_is_one_sentence(monkeypatch):
    monkeypatch.setitem(sys.modules, "mtcnnruntime", None)
    with pytest.raises(MissingPackageError) as caught:
        require_mtcnn()
    assert str(caught.value).startswith("The face detector MTCNN needs the package mtcnn-runtime, which could not be")
    assert "pip install mtcnn-runtime" in str(caught.value)
    with pytest.raises(MissingPackageError, match=r"^Something needs .*, or do without\.$"):
        require_mtcnn("Something", "or do without.")


def test_graphs_that_are_gone_are_named(package):
    for name in ("rnet", "onet"):
        (package / "weights" / f"{name}.onnx").unlink()
    with pytest.raises(
        MissingPackageError, match=r"there is no rnet\.onnx and no onet\.onnx; install it again with: pip"
    ):
        networks_key()


def test_a_graph_that_cannot_be_loaded_is_named(package):
    with (
        pytest.raises(CorruptModelFileError, match=r'"pnet\.onnx" of the package mtcnn-runtime .*; install it again'),
        lend_networks(),
    ):
        pass


@pytest.mark.parametrize("name", ["pnet", "rnet", "onet"])
def test_the_key_changes_with_each_graph(package, name):
    before = networks_key()
    (package / "weights" / f"{name}.onnx").write_bytes(b"\x08\x00another")
    assert networks_key() != before


def test_networks_are_loaded_once():
    with lend_networks() as first:
        pass
    with lend_networks() as second:
        assert second is first


def test_windows_are_what_lies_in_the_box_and_black_outside():
    picture = np.full((20, 30, 3), 255, np.uint8)
    picture[:10] = (255, 0, 0)
    inside, across, outside = cut_windows(picture, np.array([[4, 0, 14, 10], [-10, 0, 10, 20], [40, 40, 44, 44]]), 4)
    assert inside.dtype == np.float32
    np.testing.assert_allclose(inside, np.broadcast_to([[[0.996]], [[-0.996]], [[-0.996]]], (3, 4, 4)), atol=1e-3)
    assert (across[:, :, :2] < -0.99).all(), "black left of the picture"
    assert (across[:, 2:, 2:] > 0.99).all()
    assert (outside < -0.99).all()


def test_grey_values_are_what_the_networks_were_trained_with():
    values = normalised(np.array([[[[0, 127, 255]]]], np.uint8))
    assert values.shape == (1, 3, 1, 1)
    np.testing.assert_allclose(values.reshape(-1), [-127.5 / 128, -0.5 / 128, 127.5 / 128])


def test_squares_are_as_long_as_the_longer_side_around_the_same_middle():
    np.testing.assert_array_equal(squares(np.array([[10.0, 0, 20, 40], [3, 3, 3, 3]])), [[-5, 0, 35, 40], [3, 3, 4, 4]])


def test_moves_are_shares_of_width_and_height():
    np.testing.assert_allclose(moved(np.array([[0.0, 0, 10, 20]]), np.array([[0.1, 0.1, -0.1, 0.5]])), [[1, 2, 9, 30]])


def test_a_face_is_told_from_a_wall_and_its_box_is_found_again():
    shifted = FACE + np.array((8, -6, 8, -6))
    with lend_networks() as networks:
        boxes, scores = judge(astronaut(), np.concatenate((shifted, [[380.0, 20, 480, 120]])), networks.onet)
    assert scores[0] > 0.99
    assert scores[1] < 0.1
    middle = (boxes[0, :2] + boxes[0, 2:]) / 2 - (FACE[0, :2] + FACE[0, 2:]) / 2
    assert np.linalg.norm(middle) < 5 < np.linalg.norm((8, -6))


def test_points_of_a_mirrored_picture_are_exactly_the_mirrored_points():
    """Each is the mean of both, so neither side is favoured."""
    picture, box = astronaut(), squares(FACE)
    with lend_networks() as networks:
        [there] = points(picture, box, networks.onet)
        turned = np.ascontiguousarray(picture[:, ::-1])
        [back] = points(turned, box[:, [2, 1, 0, 3]] * (-1, 1, -1, 1) + (512, 0, 512, 0), networks.onet)
    np.testing.assert_allclose(back[[1, 0, 2, 4, 3]] * (-1, 1) + (512, 0), there, atol=0.01)
    assert np.linalg.norm(there - ASTRONAUT_POINTS, axis=1).max() < 4


def test_no_box_has_no_points():
    with lend_networks() as networks:
        boxes, scores = judge(astronaut(), FACE[:0], networks.onet)
        assert points(astronaut(), FACE[:0], networks.onet).shape == (0, 5, 2)
    assert (boxes.shape, scores.shape) == ((0, 4), (0,))
