"""Points of another detector's faces, looked for again in its boxes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest
from likeness.models.face.mtcnn_networks import networks_key
from likeness.models.face.refinement import RefinedPoints
from likeness.models.face.types import Detection
from likeness.models.face.yunet import YuNet
from likeness.tests.models.face.photographs import ASTRONAUT_POINTS, astronaut

NOISE = np.float32([(6, 2), (-5, 4), (3, -6), (0, 5), (-4, -4)])
FACE = Detection(np.float32([178, 60, 267, 172]), (ASTRONAUT_POINTS + NOISE).astype(np.float32), 0.8)
WALL = Detection(np.float32([380, 20, 480, 120]), FACE.points + 190, 0.6)


@dataclass(frozen=True)
class Given:
    """A `FaceDetector` that says the same of every picture."""

    found: tuple[Detection, ...] = (FACE,)
    size: int = 640

    @property
    def key(self):
        return f"given {self.size}"

    def at_size(self, size):
        return Given(self.found, size)

    def find(self, pictures):
        return (list(self.found) for _ in pictures)


def refined(*found):
    [faces] = RefinedPoints(Given(found)).find([astronaut()])
    return faces


def test_noisy_points_are_put_right_and_box_and_score_stay():
    [face] = refined(FACE)
    assert np.linalg.norm(face.points - ASTRONAUT_POINTS, axis=1).max() < 2.5 < np.linalg.norm(NOISE, axis=1).max()
    assert face.points.dtype == np.float32
    assert face.score == FACE.score
    np.testing.assert_array_equal(face.box, FACE.box)


@pytest.mark.parametrize("move", [(10, 0), (-10, 0), (0, 10), (0, -10)])
@pytest.mark.parametrize("growth", [-8, 0, 12])
def test_a_box_that_is_somewhat_off_gives_the_same_points(move, growth):
    box = FACE.box + np.float32([*move, *move]) + np.float32([-growth, -growth, growth, growth])
    [face] = refined(Detection(box, FACE.points, 0.8))
    assert np.linalg.norm(face.points - ASTRONAUT_POINTS, axis=1).max() < 3.5


def test_where_no_face_is_seen_the_detector_s_points_stay():
    wall, face = refined(WALL, FACE)
    np.testing.assert_array_equal(wall.points, WALL.points)
    assert wall.score == 0.6
    assert not np.array_equal(face.points, FACE.points)


def test_nobody_stays_nobody():
    assert refined() == []


def test_each_picture_is_looked_at_itself():
    moved = np.roll(astronaut(), 3, axis=0)
    first, second = (faces[0].points for faces in RefinedPoints(Given()).find([astronaut(), moved]))
    np.testing.assert_allclose(second - first, np.tile((0, 3), (5, 1)), atol=1)


def test_the_key_names_detector_and_networks_and_the_size_goes_on():
    detector = RefinedPoints(Given())
    assert detector.key == f"given 640 refined {networks_key()}"
    assert detector.at_size(320) == RefinedPoints(Given(size=320))


def test_on_a_graph_that_finds_red_squares_yunet_keeps_its_points(detector_files, squares):
    """A synthetic graph: YuNet's own file is not to be had here."""
    picture = squares(640, 640, (96, 96, 64, (255, 0, 0)))
    yunet = YuNet(detector_files["yunet"])
    [[face]], [[same]] = RefinedPoints(yunet).find([picture]), yunet.find([picture])
    np.testing.assert_array_equal(face.points, same.points)
