"""The detector that needs no file, on a real photograph: large and small, grey, cut off, and nobody."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from likeness.models.face import mtcnn
from likeness.models.face.mtcnn import MTCNN, suppress
from likeness.tests.models.face.photographs import ASTRONAUT_POINTS, astronaut

MOST = 4.0  # pixels from the points read off the photo


def find(picture, **settings):
    [found] = MTCNN(**settings).find([picture])
    return found


def error(face, scale=1.0, corner=(0, 0)):
    """How far the worst of the five points is from where it is in the whole photo, pixels of that photo."""
    return np.linalg.norm(face.points / scale + corner - ASTRONAUT_POINTS, axis=1).max()


def scaled(picture, factor):
    return cv2.resize(
        picture, None, fx=factor, fy=factor, interpolation=cv2.INTER_AREA if factor < 1 else cv2.INTER_CUBIC
    )


def test_the_five_points_are_where_they_are_in_the_photo():
    [face] = find(astronaut())
    assert error(face) < MOST
    assert face.box.dtype == face.points.dtype == np.float32
    x0, y0, x1, y1 = face.box
    assert (face.points > (x0, y0)).all()
    assert (face.points < (x1, y1)).all()
    assert 60 < x1 - x0 < 120
    assert 90 < y1 - y0 < 150
    assert 0.99 < face.score <= 1


def test_the_package_s_own_code_finds_the_same_face():
    package = pytest.importorskip("mtcnnruntime").MTCNN()
    boxes, points = package.detect(np.ascontiguousarray(astronaut()[..., ::-1]))
    [face] = find(astronaut())
    np.testing.assert_allclose(face.box, boxes[0, :4], atol=12)
    np.testing.assert_allclose(face.points, points[0].reshape(2, 5).T, atol=4)


def test_a_grey_photo_shows_the_same_face():
    grey = np.repeat(astronaut().mean(2, keepdims=True).round().astype(np.uint8), 3, axis=2)
    [face] = find(grey)
    assert error(face) < MOST


@pytest.mark.parametrize("factor", [0.25, 0.4, 2, 9])
def test_tiny_and_huge_pictures_show_the_same_face(factor):
    """Its box is from 28 to 1,000 pixels high; above 4,096 pixels a reduced copy is looked at."""
    [face] = find(scaled(astronaut(), factor))
    assert error(face, factor) < MOST


def test_a_face_of_eleven_pixels_is_too_small():
    assert find(scaled(astronaut(), 0.1)) == []


@pytest.mark.parametrize(("x0", "y0", "x1", "y1"), [(165, 50, 280, 180), (188, 75, 262, 160)])
def test_a_face_that_fills_the_picture_is_found_with_a_border(x0, y0, x1, y1):
    picture = astronaut()[y0:y1, x0:x1]
    [face] = find(picture)
    assert error(face, corner=(x0, y0)) < MOST
    assert (face.box >= 0).all()
    assert (face.box[2:] <= (x1 - x0, y1 - y0)).all()


def test_a_face_at_the_edge_keeps_its_points():
    """Its forehead lies outside the picture."""
    [face] = find(astronaut()[90:])
    assert error(face, corner=(0, 90)) < MOST


def test_faces_side_by_side_are_two_and_the_surest_is_the_first():
    dim = (astronaut() * 0.35).astype(np.uint8)
    first, second = find(np.concatenate((dim, astronaut()), axis=1))
    assert first.score >= second.score
    at_left, at_right = sorted((first, second), key=lambda face: face.box[0])
    assert error(at_left) < MOST
    assert error(at_right, corner=(-512, 0)) < MOST


def test_a_mirrored_photo_shows_the_mirrored_points():
    [face] = find(np.ascontiguousarray(astronaut()[:, ::-1]))
    mirrored = face.points[[1, 0, 2, 4, 3]] * (-1, 1) + (511, 0)
    assert np.linalg.norm(mirrored - ASTRONAUT_POINTS, axis=1).max() < MOST


def test_only_faces_that_it_is_sure_enough_of_count():
    [face] = find(astronaut(), min_score=0.999)
    assert find(astronaut(), min_score=(1 + face.score) / 2) == []


@pytest.mark.parametrize("name", ["brick", "coffee", "coins", "grass", "horse", "moon"])
def test_pictures_without_a_face_show_nobody(name):
    picture = getattr(pytest.importorskip("skimage.data"), name)()
    colours = picture.astype(np.uint8) * 255 if picture.dtype == bool else picture
    assert find(colours if colours.ndim == 3 else np.repeat(colours[..., None], 3, axis=2)) == []


@pytest.mark.parametrize("size", [(1, 1), (3, 150), (12, 12), (20, 20), (11, 640), (640, 9), (2, 500)])
@pytest.mark.parametrize("value", [0, 255])
def test_pictures_of_any_size_are_looked_at(size, value):
    assert find(np.full((*size, 3), value, np.uint8)) == []


def test_noise_is_no_face():
    assert find(np.random.default_rng(0).integers(0, 256, (300, 300, 3), dtype=np.uint8)) == []


def test_pictures_come_one_after_another():
    pictures = [astronaut(), np.zeros((64, 64, 3), np.uint8), astronaut()]
    assert [len(found) for found in MTCNN().find(pictures)] == [1, 0, 1]


def test_it_looks_at_640_pixels_at_most(monkeypatch):
    seen = []
    monkeypatch.setattr(mtcnn, "_propose", lambda picture, pnet: seen.append(picture.shape) or np.zeros((0, 4)))
    assert find(np.zeros((900, 1200, 3), np.uint8)) == []
    assert seen == [(480, 640, 3), (480, 640, 3)]  # the second time with a border


def test_the_key_names_the_networks_and_the_score_but_no_size():
    assert MTCNN().key == MTCNN().at_size(320).key
    assert MTCNN().key != MTCNN(0.6).key
    assert MTCNN().key.startswith("mtcnn ")


def test_no_more_windows_are_kept_than_the_second_network_shall_see(monkeypatch):
    def sure_of_all(pictures):
        rows, columns = (side // 2 - 5 for side in pictures.shape[2:])
        return [np.zeros((1, 4, rows, columns), np.float32), np.ones((1, 2, rows, columns), np.float32)]

    monkeypatch.setattr(mtcnn, "MOST_WINDOWS", 30)
    assert len(mtcnn._propose(np.zeros((100, 100, 3), np.uint8), sure_of_all)) == 30


def test_of_boxes_that_overlap_the_surest_stays():
    boxes = np.array([[0, 0, 10, 10], [1, 0, 11, 10], [30, 0, 40, 10], [0, 0, 3, 3]], np.float64)
    scores = np.array([0.8, 0.9, 0.7, 0.6])
    assert suppress(boxes, scores, 0.5) == [1, 2, 3]
    assert suppress(boxes, scores, 0.9) == [1, 0, 2, 3]
    assert suppress(boxes, scores, 0.5, of_smaller=True) == [1, 2], "the small one lies inside"
    assert suppress(boxes[:0], scores[:0], 0.5) == []
