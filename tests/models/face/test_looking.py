"""How a picture is looked at: twice, reduced, and with boxes that stay inside."""

import numpy as np
import pytest
from likeness.models.face.insightface import InsightFace
from likeness.models.face.looking import clamp, look_twice
from likeness.models.face.types import Detection
from likeness.models.face.yunet import YuNet
from likeness.tests.models.face import synthetic_detectors

RED = (255, 0, 0)


def test_the_second_look_has_a_grey_border_and_gives_pixels_of_the_picture(detector_files, squares):
    # 640 x 640 becomes 960 x 960, seen at two thirds: a square of 96 pixels is 64 to the network
    picture = squares(640, 640, (216, 312, 96, RED))
    ((face,),) = InsightFace(detector_files["cautious"], 0.8).find([picture])
    np.testing.assert_allclose(face.box, [216, 312, 312, 408], atol=12)
    middle = (face.box[:2] + face.box[2:]) / 2
    np.testing.assert_allclose(face.points, middle + 1.5 * synthetic_detectors.POINTS, atol=1e-2)


@pytest.mark.parametrize("size", [(400, 640), (640, 400), (601, 333)])
def test_the_border_is_a_quarter_of_each_side(squares, size):
    seen = []
    assert look_twice(squares(*size), lambda picture: seen.append(picture) or []) == []
    first, second = seen
    rows, columns = int(0.25 * size[0]), int(0.25 * size[1])
    assert first.shape[:2] == size
    assert second.shape[:2] == (size[0] + 2 * rows, size[1] + 2 * columns)
    assert np.array_equal(second[rows:-rows, columns:-columns], first)
    second[rows:-rows, columns:-columns] = 128
    assert (second == 128).all()


def test_boxes_are_clamped_and_points_are_not(detector_files, squares):
    picture = squares(640, 640)
    picture[216:312, :48] = RED  # the right half of a square that leaves the picture
    (faces,) = InsightFace(detector_files["cautious"], 0.4).find([picture])
    face = min(faces, key=lambda face: face.points[0, 0])
    assert face.box[0] == 0
    assert face.box[2] > 0
    assert face.points[:, 0].min() < 0


def test_a_face_outside_of_the_picture_is_dropped(squares):
    outside = Detection(np.float32([-30, 0, -10, 20]), np.zeros((5, 2), np.float32), 0.9)
    assert clamp([outside], squares(40, 40)) == []


def test_an_8k_picture_is_searched_in_a_smaller_copy(detector_files, squares):
    picture = squares(4320, 7680, (5000, 2000, 768, RED))
    for detector in (InsightFace(detector_files["scrfd"], 0.8), YuNet(detector_files["yunet"], 0.8)):
        [[face]] = detector.find([picture])
        np.testing.assert_allclose(face.box, [5000, 2000, 5768, 2768], atol=96)


def test_a_line_of_pixels_shows_no_face():
    def look(picture):
        raise AssertionError("nobody is to look")

    assert look_twice(np.zeros((1, 3000, 3), np.uint8), look) == []


def test_what_the_second_look_finds_is_moved_back(squares):
    """Nobody is found in the picture itself, and somebody at one place of the picture with its border."""
    found = iter([[], [Detection(np.float32([30, 40, 50, 60]), np.full((5, 2), 45, np.float32), 0.9)]])
    [face] = look_twice(squares(40, 80), lambda picture: next(found))
    assert face.box.tolist() == [10, 30, 30, 40]  # 10 rows and 20 columns of border
    assert face.points.tolist() == [[25, 35]] * 5
