"""How far crops move, for detectors that err in a known way."""

from __future__ import annotations

import numpy as np
import pytest
from likeness.benchmarks.faces import crops
from likeness.benchmarks.faces.crops import VARIANTS, compare_crops, repeat, turned
from likeness.models.face.types import Detection
from likeness.tests.models.face import synthetic_detectors
from likeness.tools.portraits import Portrait
from PIL import Image

POINTS = np.array([(60, 70), (100, 70), (80, 95), (65, 115), (95, 115)], np.float64)
FACE = Detection(np.float32([40, 40, 120, 140]), POINTS.astype(np.float32), 0.9)
SCALE = 35.2372 / 40  # pixels of the crop for one of the picture, about: distance of the eyes


class Exact:
    """Sees the five points of `marked` wherever they are; `err` moves what is seen in every picture but the first."""

    key = "exact"

    def __init__(self, err=lambda points: points):
        self.err, self.first = err, True

    def find(self, pictures):
        for picture in pictures:
            places = [np.argwhere(_near(picture, colour)).mean(0)[::-1] for colour in COLOURS]
            points = np.array(places)
            yield [Detection(FACE.box, (points if self.first else self.err(points)).astype(np.float32), 0.9)]
            self.first = False


COLOURS = np.array([(250, 0, 0), (0, 250, 0), (0, 0, 250), (250, 250, 0), (250, 0, 250)])


def _near(picture, colour):
    """Pixels of a hue, however bright; eyes of a mirrored picture keep their colours, so names are exchanged by place."""
    bright = picture.astype(float)
    shares = bright / np.maximum(bright.max(2, keepdims=True), 1)
    return (np.abs(shares - colour / 250).max(2) < 0.25) & (bright.max(2) > 60)


@pytest.fixture
def marked():
    picture = np.zeros((200, 180, 3), np.uint8)
    for (x, y), colour in zip(POINTS.astype(int), COLOURS, strict=True):
        picture[y - 4 : y + 5, x - 4 : x + 5] = colour
    return picture


def in_order(points):
    """Left before right, as a detector names them."""
    eyes, mouth = points[:2][points[:2, 0].argsort()], points[3:][points[3:, 0].argsort()]
    return np.concatenate((eyes, points[2:3], mouth))


def test_a_detector_that_sees_rightly_in_every_variant_moves_nothing(marked):
    found = repeat(Exact(in_order), [marked])
    assert set(found) == set(VARIANTS)
    for name, [(shift, rotation)] in found.items():
        assert shift < 0.3, name
        assert rotation < 0.5, name


def test_a_detector_that_errs_is_told_by_how_much(marked):
    found = repeat(Exact(lambda points: in_order(points) + np.array((3, 4))), [marked])
    for [(shift, rotation)] in found.values():
        assert shift == pytest.approx(5 * SCALE, rel=0.15)
        assert rotation < 0.5


def test_a_face_that_is_elsewhere_is_missed(marked):
    assert repeat(Exact(lambda points: in_order(points) + 60), [marked]) == {name: [] for name in VARIANTS}


def test_points_are_where_the_turned_picture_shows_them(marked):
    variant = turned(marked, 10)
    for colour, place in zip(COLOURS, variant.place(POINTS), strict=True):
        np.testing.assert_allclose(np.argwhere(_near(variant.picture, colour)).mean(0)[::-1], place, atol=0.3)


def test_the_turn_of_a_crop_is_measured_either_way():
    radians = np.radians(7)
    turn = np.array([(np.cos(radians), -np.sin(radians)), (np.sin(radians), np.cos(radians))])
    assert compare_crops(POINTS, POINTS @ turn)[1] == pytest.approx(7)
    assert compare_crops(POINTS, POINTS @ turn.T)[1] == pytest.approx(7)


def test_the_table_holds_all_detectors_whose_files_are_given(tmp_path, capsys, monkeypatch):
    face = crops.astronaut().picture.crop((130, 20, 310, 200))
    monkeypatch.setattr(crops, "astronaut", lambda: Portrait(picture=face, points=(), source="a part of it"))
    Image.fromarray(np.zeros((32, 32, 3), np.uint8)).save(tmp_path / "a.png")
    (tmp_path / "b.txt").write_text("no photo")
    yunet, scrfd = synthetic_detectors.yunet(tmp_path / "y.onnx"), synthetic_detectors.scrfd(tmp_path / "s.onnx")
    crops.main([str(tmp_path), "--yunet", str(yunet), "--scrfd", str(scrfd)])
    lines = capsys.readouterr().out.splitlines()
    assert "MTCNN: 1 faces in 2 pictures" in lines
    assert [line.split(":")[0] for line in lines if line.endswith("pictures")] == [
        "MTCNN",
        "YuNet",
        "YuNet, refined",
        "SCRFD",
    ]
    assert len([line for line in lines if line.startswith("  ")]) == 4 * (len(VARIANTS) + 1)
