import itertools
import sys

import numpy as np
import pytest
from likeness.models.errors import InvalidSettingError, MissingModelFileError, MissingPackageError
from likeness.models.face.detection import DetectorFiles, choose, sort_files
from likeness.models.face.insightface import InsightFace
from likeness.models.face.mtcnn import MTCNN
from likeness.models.face.refinement import RefinedPoints
from likeness.models.face.yunet import YuNet

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
    message = 'needs the package insightface.*pip install insightface, or choose detector "yunet" or "mtcnn"'
    with pytest.raises(MissingPackageError, match=message):
        boxes([picture], files=both, detector="insightface")
    assert isinstance(choose("auto", DetectorFiles(scrfd=detector_files["scrfd"])), MTCNN)
    assert "Using MTCNN instead" in caplog.text


@pytest.mark.parametrize(("scrfd", "yunet", "package", "mtcnn"), list(itertools.product([False, True], repeat=4)))
def test_auto_goes_from_the_most_to_the_least_that_there_is(detector_files, monkeypatch, scrfd, yunet, package, mtcnn):
    if not package:
        monkeypatch.setitem(sys.modules, "insightface.model_zoo", None)
    if not mtcnn:
        monkeypatch.setitem(sys.modules, "mtcnnruntime", None)
    files = DetectorFiles(
        scrfd=detector_files["scrfd"] if scrfd else None, yunet=detector_files["yunet"] if yunet else None
    )
    if scrfd and package:
        assert choose("auto", files, min_score=0.4) == InsightFace(detector_files["scrfd"], 0.4)
    elif not mtcnn:
        with pytest.raises(MissingPackageError, match=r"needs the package mtcnn-runtime.* pip install mtcnn-runtime"):
            choose("auto", files)
    elif yunet:
        assert choose("auto", files, min_score=0.4) == RefinedPoints(YuNet(detector_files["yunet"], 0.4))
    else:
        assert choose("auto", files, min_score=0.4) == MTCNN(0.4)


def test_mtcnn_is_taken_by_its_name_whatever_files_there_are(detector_files):
    both = DetectorFiles(scrfd=detector_files["scrfd"], yunet=detector_files["yunet"])
    assert choose("mtcnn", both, min_score=0.3) == choose("mtcnn", NO_FILES, min_score=0.3) == MTCNN(0.3)


def test_the_points_of_yunet_alone_are_refined_and_not_where_that_is_switched_off(detector_files, monkeypatch):
    both = DetectorFiles(scrfd=detector_files["scrfd"], yunet=detector_files["yunet"])
    assert choose("yunet", both) == RefinedPoints(YuNet(detector_files["yunet"]))
    assert choose("insightface", both) == InsightFace(detector_files["scrfd"])
    monkeypatch.setitem(sys.modules, "mtcnnruntime", None)
    assert choose("yunet", both, refine_points=False) == YuNet(detector_files["yunet"])
    with pytest.raises(MissingPackageError, match=r"or switch refine_points of Detect Faces off\.$") as caught:
        choose("yunet", both)
    assert str(caught.value).startswith("Refining the points of YuNet's faces needs the package mtcnn-runtime")


@pytest.mark.parametrize(
    ("name", "said", "unsaid"),
    [
        ("insightface", ("buffalo_l", "non-commercial research", "models/insightface"), ("YuNet", "face_detection")),
        ("yunet", ("YuNet", "MIT", "models/face_detection"), ("buffalo_l",)),
    ],
)
def test_a_missing_file_is_named_with_folder_licence_and_what_needs_none(name, said, unsaid):
    files = DetectorFiles(folders=FOLDERS, faults=('The file "x.onnx" is empty; download it again.',))
    with pytest.raises(MissingModelFileError) as caught:
        boxes([np.zeros((8, 8, 3), np.uint8)], files=files, detector=name)
    for text in (*said, 'choose detector "auto" or "mtcnn", which need none', '"x.onnx" is empty'):
        assert text in str(caught.value)
    assert not any(text in str(caught.value) for text in unsaid)


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
