"""Both detectors that need a file, on graphs that find red squares."""

import numpy as np
import pytest
from likeness.models.errors import CorruptModelFileError, MissingModelFileError, UnknownCheckpointError
from likeness.models.face import insightface, yunet
from likeness.tests.models.face.synthetic_detectors import POINTS

RED, BLUE, GREEN = (255, 0, 0), (0, 0, 255), (0, 255, 0)


def scrfd(picture, path, min_score):
    return insightface.InsightFace(path, min_score)._look(picture)


def opencv_yunet(picture, path, min_score):
    return yunet.YuNet(path, min_score)._look(picture)


BACK_ENDS = [("scrfd", scrfd), ("yunet", opencv_yunet)]


@pytest.mark.parametrize(("kind", "detect"), BACK_ENDS)
def test_red_is_found_and_other_colours_are_not(kind, detect, detector_files, squares):
    picture = squares(960, 1280, (300, 200, 128, RED), (900, 200, 128, BLUE), (300, 600, 128, GREEN))
    (face,) = detect(picture, detector_files[kind], 0.7)
    np.testing.assert_allclose(face.box, [300, 200, 428, 328], atol=16)
    middle = (face.box[:2] + face.box[2:]) / 2
    np.testing.assert_allclose(face.points, middle + 2 * POINTS, atol=1e-3)
    assert face.points.dtype == face.box.dtype == np.float32
    assert 0.9 < face.score <= 1


@pytest.mark.parametrize(("kind", "detect"), BACK_ENDS)
@pytest.mark.parametrize("size", [(640, 640), (640, 320), (333, 640), (2048, 1536), (1200, 2400)])
def test_boxes_are_pixels_of_the_picture_at_any_size(kind, detect, size, detector_files, squares):
    scale = max(size) / 640
    side = round(64 * scale)
    x, y = round(size[1] * 0.5), round(size[0] * 0.25)
    found = detect(squares(*size, (x, y, side, RED)), detector_files[kind], 0.7)
    assert len(found) == 1
    np.testing.assert_allclose(found[0].box, [x, y, x + side, y + side], atol=8 * scale)


@pytest.mark.parametrize(("kind", "detect"), BACK_ENDS)
def test_neighbouring_anchors_are_one_face_and_scores_sink(kind, detect, detector_files, squares):
    picture = squares(640, 640, (96, 96, 64, RED), (400, 96, 64, (235, 10, 10)), (96, 400, 64, RED))
    found = detect(picture, detector_files[kind], 0.75)
    assert len(found) == 3
    assert [face.score for face in found] == sorted((face.score for face in found), reverse=True)


@pytest.mark.parametrize(("kind", "detect"), BACK_ENDS)
def test_the_score_limit_holds_for_each_call(kind, detect, detector_files, squares):
    picture = squares(640, 640, (96, 96, 64, RED), (400, 96, 64, (225, 10, 10)))
    assert len(detect(picture, detector_files[kind], 0.9)) == 1
    assert len(detect(picture, detector_files[kind], 0.75)) == 2
    assert len(detect(picture, detector_files[kind], 0.9)) == 1


@pytest.mark.parametrize(("kind", "detect"), BACK_ENDS)
def test_an_empty_picture_has_no_face(kind, detect, detector_files, squares):
    assert detect(squares(50, 40), detector_files[kind], 0.5) == []
    assert detect(squares(1, 1), detector_files[kind], 0.5) == []


@pytest.mark.parametrize(("kind", "detect"), BACK_ENDS)
def test_a_file_of_another_kind_is_named(kind, detect, detector_files, squares):
    with pytest.raises((UnknownCheckpointError, CorruptModelFileError), match=r'"2d106det\.onnx"'):
        detect(squares(64, 64), detector_files["landmarks"], 0.5)


@pytest.mark.parametrize(("kind", "detect"), BACK_ENDS)
def test_a_damaged_file_is_named(kind, detect, detector_files, squares, tmp_path):
    path = tmp_path / "cut.onnx"
    path.write_bytes(detector_files[kind].read_bytes()[:-400])
    with pytest.raises(CorruptModelFileError, match=r'"cut\.onnx".*download it again'):
        detect(squares(64, 64), path, 0.5)
    with pytest.raises(MissingModelFileError, match=r'"gone\.onnx"'):
        detect(squares(64, 64), tmp_path / "gone.onnx", 0.5)


def test_yunet_opens_a_path_that_is_not_ascii(detector_files, squares, tmp_path):
    path = tmp_path / "Gesichter größer" / "yunet.onnx"
    path.parent.mkdir()
    path.write_bytes(detector_files["yunet"].read_bytes())
    assert len(opencv_yunet(squares(640, 640, (96, 96, 64, RED)), path, 0.7)) == 1


class Blind:
    """A detector that sees nothing and keeps what it was shown."""

    def __init__(self):
        self.shown = []

    def setScoreThreshold(self, score):  # noqa: N802 - OpenCV's name
        pass

    def detect(self, canvas):
        self.shown.append(canvas)
        return 1, None


def test_yunet_looks_again_at_half_the_size(squares, tmp_path, monkeypatch):
    path, blind = tmp_path / "blind.onnx", Blind()
    path.write_bytes(b"x")
    monkeypatch.setattr(yunet, "_load", lambda path: blind)
    assert opencv_yunet(squares(600, 1280, background=RED), path, 0.5) == []
    first, second = blind.shown
    assert first.shape == second.shape == (640, 640, 3)
    for canvas, height, width in ((first, 300, 640), (second, 150, 320)):
        assert (canvas[:height, :width] == (0, 0, 255)).all()
        assert not canvas[height:].any()
        assert not canvas[:, width:].any()


def test_embeddings_are_of_the_rgb_crop(detector_files, squares):
    crop = squares(112, 112, background=(255, 0, 127))
    embedding = insightface.embed(crop, detector_files["arcface"])
    assert embedding.shape == (512,)
    assert embedding.dtype == np.float32
    np.testing.assert_allclose(embedding[:3], [1, -1, 0], atol=0.01)
