import sys

import numpy as np
import pytest
from likeness.models.errors import InvalidSettingError, MissingModelFileError, MissingPackageError
from likeness.models.face.detection import DetectorFiles, choose, sort_files

RED = (255, 0, 0)
FOLDERS = (("insightface", "models/insightface"), ("yunet", "models/face_detection"))


NO_FILES = DetectorFiles()


def boxes(images, *, files=NO_FILES, detector="auto", **settings):
    found = choose(detector, files, **settings).find(images)
    return [[face.box.tolist() for face in faces] for faces in found]


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


def test_given_regions_and_crops_need_no_file(squares):
    pictures = [squares(100, 100), squares(100, 100)]
    assert boxes(pictures, detector="given region", region="image 2\n-10 10 50 120") == [[], [[0, 10, 50, 100]]]
    assert boxes(pictures, detector="face crop") == [[[0, 0, 100, 100]]] * 2


@pytest.mark.parametrize(
    ("settings", "message"),
    [({"name": "magic"}, 'detector is "magic"'), ({"min_score": 2.0}, "min_score is 2.0; choose a number from 0 to 1")],
)
def test_bad_settings_are_named(settings, message):
    with pytest.raises(InvalidSettingError, match=message):
        choose(**{"name": "auto", "files": DetectorFiles()} | settings)
