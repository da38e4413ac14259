import sys

import numpy as np
import pytest
from likeness.models.errors import InvalidSettingError, MissingModelFileError, MissingPackageError
from likeness.models.face import detection
from likeness.models.face.detection import DetectorFiles, DetectorSettings, detect, sort_files
from likeness.models.face.types import Detection
from likeness.tests.models.face import synthetic_detectors

RED = (255, 0, 0)
FOLDERS = (("insightface", "models/insightface"), ("yunet", "models/face_detection"))


def boxes(images, **settings):
    return [[face.box.tolist() for face in faces] for faces in detect(images, DetectorSettings(**settings))]


def test_files_are_recognised_by_their_graphs(detector_files, tmp_path):
    web_page = tmp_path / "det_10g.onnx"
    web_page.write_text("<!doctype html>")
    files = sort_files(
        [web_page, *(detector_files[kind] for kind in ("landmarks", "arcface", "yunet", "scrfd"))], FOLDERS
    )
    assert files.scrfd == detector_files["scrfd"]
    assert files.yunet == detector_files["yunet"]
    assert len(files.faults) == 1
    assert "web page" in files.faults[0]


def test_buffalo_l_comes_before_larger_files(detector_files):
    assert detector_files["cautious"].stat().st_size > detector_files["scrfd"].stat().st_size
    assert sort_files([detector_files["cautious"], detector_files["scrfd"]]).scrfd == detector_files["scrfd"]
    assert sort_files([detector_files["cautious"]]).scrfd == detector_files["cautious"]


def test_auto_prefers_insightface(detector_files, squares):
    picture = squares(640, 640, (100, 100, 64, RED))
    cautious_and_yunet = DetectorFiles(scrfd=detector_files["cautious"], yunet=detector_files["yunet"])
    assert boxes([picture], files=cautious_and_yunet, detector="yunet")[0]
    cautious = boxes([picture], files=cautious_and_yunet)[0]
    assert cautious == boxes([picture], files=cautious_and_yunet, detector="insightface")[0]
    assert cautious != boxes([picture], files=cautious_and_yunet, detector="yunet")[0]


@pytest.mark.parametrize("broken", [False, True])
def test_auto_takes_yunet_without_the_package(detector_files, squares, monkeypatch, caplog, broken):
    class OtherNumpy:
        def __getattr__(self, name):
            raise ValueError("numpy.dtype size changed")

    monkeypatch.setitem(sys.modules, "insightface.model_zoo", OtherNumpy() if broken else None)
    both = DetectorFiles(scrfd=detector_files["cautious"], yunet=detector_files["yunet"])
    picture = squares(640, 640, (96, 96, 64, RED))
    assert boxes([picture], files=both) == boxes([picture], files=both, detector="yunet")
    assert "Using YuNet instead" in caplog.text
    message = 'needs the package insightface.*pip install insightface, or choose detector "yunet"'
    with pytest.raises(MissingPackageError, match=message):
        boxes([picture], files=both, detector="insightface")
    with pytest.raises(MissingPackageError, match=message):
        boxes([picture], files=DetectorFiles(scrfd=detector_files["scrfd"]))


def test_without_files_both_are_named_with_folder_and_licence():
    files = DetectorFiles(folders=FOLDERS, faults=('The file "x.onnx" is empty; download it again.',))
    with pytest.raises(MissingModelFileError) as caught:
        boxes([np.zeros((8, 8, 3), np.uint8)], files=files)
    for text in ("buffalo_l", "non-commercial research", "YuNet", "MIT", "models/insightface", "models/face_detection"):
        assert text in str(caught.value)
    assert '"x.onnx" is empty' in str(caught.value)
    with pytest.raises(MissingModelFileError, match="YuNet") as caught:
        boxes([np.zeros((8, 8, 3), np.uint8)], files=files, detector="yunet")
    assert "buffalo_l" not in str(caught.value)


def test_the_second_look_has_a_grey_border_and_gives_pixels_of_the_picture(detector_files, squares):
    # 640 x 640 becomes 960 x 960, seen at two thirds: a square of 96 pixels is 64 to the network
    picture = squares(640, 640, (216, 312, 96, RED))
    files = DetectorFiles(scrfd=detector_files["cautious"])
    ((face,),) = detect([picture], DetectorSettings(files=files, min_score=0.8))
    np.testing.assert_allclose(face.box, [216, 312, 312, 408], atol=12)
    middle = (face.box[:2] + face.box[2:]) / 2
    np.testing.assert_allclose(face.points, middle + 1.5 * synthetic_detectors.POINTS, atol=1e-2)


@pytest.mark.parametrize("size", [(400, 640), (640, 400), (601, 333)])
def test_the_border_is_a_quarter_of_each_side(detector_files, squares, size, monkeypatch):
    seen = []
    monkeypatch.setattr(detection.insightface, "detect", lambda image, path, score, size: seen.append(image) or [])
    assert boxes([squares(*size)], files=DetectorFiles(scrfd=detector_files["scrfd"])) == [[]]
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
    files = DetectorFiles(scrfd=detector_files["cautious"])
    (faces,) = detect([picture], DetectorSettings(files=files, min_score=0.4))
    face = min(faces, key=lambda face: face.points[0, 0])
    assert face.box[0] == 0
    assert face.box[2] > 0
    assert face.points[:, 0].min() < 0


def test_an_8k_picture_is_searched_in_a_smaller_copy(detector_files, squares):
    picture = squares(4320, 7680, (5000, 2000, 768, RED))
    for detector in ("insightface", "yunet"):
        files = DetectorFiles(scrfd=detector_files["scrfd"], yunet=detector_files["yunet"])
        ((box,),) = boxes([picture], files=files, detector=detector, min_score=0.8)
        np.testing.assert_allclose(box, [5000, 2000, 5768, 2768], atol=96)


def test_a_line_of_pixels_shows_no_face(detector_files):
    files = DetectorFiles(scrfd=detector_files["scrfd"])
    assert boxes([np.zeros((1, 3000, 3), np.uint8)], files=files) == [[]]


def test_given_regions_and_crops_need_no_file(squares):
    pictures = [squares(100, 100), squares(100, 100)]
    assert boxes(pictures, detector="given region", region="image 2\n-10 10 50 120") == [[], [[0, 10, 50, 100]]]
    assert boxes(pictures, detector="face crop") == [[[0, 0, 100, 100]]] * 2


@pytest.mark.parametrize("detector", ["auto", "given region", "face crop"])
def test_a_detector_that_is_already_loaded_is_asked_instead_and_needs_no_file(squares, detector):
    asked = []

    def look(picture, min_score):
        asked.append((picture.shape, min_score))
        return [Detection(np.float32([-10, 30, 90, 70]), np.full((5, 2), -3, np.float32), 0.9)]

    settings = DetectorSettings(detector=detector, region="0 0 9 9", min_score=0.3, look=look)
    [[face], [_]] = detect([squares(50, 80), squares(40, 60)], settings)
    assert asked == [((50, 80, 3), 0.3), ((40, 60, 3), 0.3)]
    assert face.box.tolist() == [0, 30, 80, 50]
    assert face.points.tolist() == [[-3, -3]] * 5


def test_a_loaded_detector_looks_twice_too(squares):
    """It finds nobody in the picture itself, and somebody at one place of the picture with its border."""
    found = iter([[], [Detection(np.float32([30, 40, 50, 60]), np.full((5, 2), 45, np.float32), 0.9)]])
    [[face]] = detect([squares(40, 80)], DetectorSettings(look=lambda picture, min_score: next(found)))
    assert face.box.tolist() == [10, 30, 30, 40]  # 10 rows and 20 columns of border
    assert face.points.tolist() == [[25, 35]] * 5


@pytest.mark.parametrize(
    ("settings", "message"),
    [({"detector": "magic"}, 'detector is "magic"'), ({"min_score": 2.0}, "min_score is 2.0; choose 0 to 1")],
)
def test_bad_settings_are_named(settings, message):
    with pytest.raises(InvalidSettingError, match=message):
        DetectorSettings(**settings)
