"""Which face detector a node means, and what tells detectors apart."""

from __future__ import annotations

import shutil

import numpy as np
import pytest
import torch
from likeness.models.errors import BadImageError, InvalidSettingError, MissingModelFileError, NoFaceFoundError
from likeness.models.face.analysis import Selection
from likeness.models.face.types import Detection
from likeness.models.miniature.files import FACES
from likeness.models.miniature.finder import FaceFinder
from likeness.models.people.remembered import RememberedDetector
from likeness.tests.models.face import synthetic_detectors

pytestmark = pytest.mark.comfy

PICTURE = np.random.default_rng(0).integers(0, 256, (96, 80, 3)).astype(np.uint8)
needs_miniature = pytest.mark.skipif(not FACES.is_file(), reason="the miniature is not trained yet")

BOX = np.float32([10, 10, 50, 50])
POINTS = np.float32([[22, 24], [38, 24], [30, 32], [24, 40], [36, 40]])


def finder(score=9.0, seed=0):
    """A network that sees the same face in every picture, with this logit."""
    torch.manual_seed(seed)
    network = FaceFinder()
    last = network.head[-1]
    with torch.no_grad():
        last.weight.zero_()
        last.bias.copy_(torch.tensor((score, -30, -30, 30, 30, -2, -2, 2, -2, 0, 0, -1.5, 2, 1.5, 2)))
    return network


def drawn(network, **settings):
    from likeness.host.encoders.detector import DrawnFaces
    from likeness.host.memory import manage

    return DrawnFaces(manage(network), **settings)


@pytest.fixture
def choose():
    from likeness.host.encoders.detector import choose_detector

    return choose_detector


class Once:
    """A `FaceDetector` that notes how many pictures it sees and finds nobody."""

    key = "finds nobody, once"

    def __init__(self):
        self.seen = 0

    def at_size(self, size):
        return self

    def find(self, pictures):
        for _ in pictures:
            self.seen += 1
            yield list[Detection]()


def test_drawn_faces_are_found_by_the_network():
    found = list(drawn(finder()).find([PICTURE, PICTURE[:60]]))
    assert [len(each) for each in found] == [1, 1]
    assert found[0][0].score > 0.9
    assert list(drawn(finder(score=-9.0)).find([PICTURE])) == [[]]
    assert list(drawn(finder(), min_score=0.99999).find([PICTURE])) == [[]]


def test_the_key_names_weights_and_what_decides_whatever_their_type():
    key = drawn(finder()).key
    assert drawn(finder()).key == key, "the same weights loaded twice"
    assert drawn(finder().half()).key == key, "another type"
    assert drawn(finder(seed=1)).key != key, "other weights"
    assert drawn(finder(), min_score=0.6).key != key
    assert drawn(finder()).at_size(320).key == key, "it looks at one size"


def test_a_file_s_detector_is_known_by_its_content(choose, folders):
    def key(**settings):
        return choose("yunet", **settings).key

    path = synthetic_detectors.yunet(folders / "face_detection" / "a.onnx")
    first = key()
    path.rename(path.with_name("b.onnx"))
    assert key() == first, "the same file by another name"
    assert key(min_score=0.7) != first
    synthetic_detectors.scrfd(folders / "insightface" / "c.onnx")
    assert choose("insightface").key != first
    assert choose("insightface").at_size(320).key != choose("insightface").key


def test_auto_without_files_is_the_detector_that_needs_none(choose, folders):
    assert choose("auto", min_score=0.4).key == choose("mtcnn", min_score=0.4).key != choose("mtcnn").key
    assert isinstance(choose("auto"), RememberedDetector)


def test_a_file_that_is_not_there_and_a_name_that_nobody_knows_are_refused(choose, folders):
    with pytest.raises(MissingModelFileError, match=str(folders / "face_detection")):
        choose("yunet")
    with pytest.raises(InvalidSettingError, match="magic"):
        choose("magic")


def test_auto_takes_yunet_where_that_is_all_there_is(choose, folders):
    synthetic_detectors.yunet(folders / "face_detection" / "y.onnx")
    assert choose("auto").key == choose("yunet").key
    assert choose("auto").key != choose("auto", refine_points=False).key


def test_mtcnn_looks_for_no_file_and_what_it_finds_is_remembered(choose, monkeypatch):
    from likeness.host.encoders import detector as module

    monkeypatch.setattr(module, "detector_files", lambda: pytest.fail("it looked for files"))
    assert isinstance(choose("mtcnn"), RememberedDetector)


def test_what_a_model_finds_is_remembered_unless_pictures_are_seen_once(choose):
    given = Once()
    for _ in range(2):
        assert list(choose("auto", given=given).find([PICTURE])) == [[]]
    assert given.seen == 1
    assert choose("auto", given=given, remembers=False) is given


@pytest.mark.parametrize("name", ["given region", "face crop"])
def test_where_the_user_says_it_nothing_is_remembered_or_looked_for(choose, monkeypatch, name):
    from likeness.host.encoders import detector as module

    monkeypatch.setattr(module, "detector_files", lambda: pytest.fail("it looked for files"))
    found = choose(name, region="10 10 60 60")
    assert not isinstance(found, RememberedDetector)
    assert len(next(iter(found.find([PICTURE])))) == 1


def test_a_detector_from_a_socket_overrules_the_widget(choose, folders):
    assert choose("yunet", given=Once()).key == Once.key, "without any file"


@needs_miniature
def test_the_miniature_s_is_loaded_once_and_takes_the_score(choose):
    from likeness.host.encoders.detector import DRAWN, drawn_faces

    first = drawn_faces()
    assert drawn_faces() is first
    chosen = choose(DRAWN, min_score=0.9, remembers=False)
    assert (chosen.patcher, chosen.min_score, first.min_score) == (first.patcher, 0.9, 0.5)


@needs_miniature
def test_another_file_is_another_detector(monkeypatch, tmp_path):
    from likeness.host.encoders import detector as module

    first = module.drawn_faces()
    copy = tmp_path / FACES.name
    shutil.copy(FACES, copy)
    monkeypatch.setattr(module, "FACES", copy)
    again = module.drawn_faces()
    assert again is not first
    assert again.key == first.key, "the same weights are known again"


class Bright:
    """A `FaceDetector` that finds a face in every picture that is not black, and notes the pictures that it sees."""

    key = "a face in every picture that is not black"

    def __init__(self):
        self.seen = []

    def at_size(self, size):
        return self

    def find(self, pictures):
        for picture in pictures:
            self.seen.append(picture)
            yield [Detection(BOX, POINTS, 0.9)] if picture.any() else []


def batch(*brightness, channels=3):
    return torch.stack([torch.full((60, 64, channels), value) for value in brightness])


def detect(image, detector=None, **settings):
    from likeness.host.encoders.detector import detect_faces

    return detect_faces(image, detector or Bright(), **settings)


def test_every_picture_of_the_batch_is_looked_at_in_its_order():
    detector = Bright()
    faces = detect(batch(0.2, 0.0, 1.0), detector, on_no_face="go on")
    assert [int(picture[0, 0, 0]) for picture in detector.seen] == [51, 0, 255]
    assert all(picture.dtype == np.uint8 and picture.shape == (60, 64, 3) for picture in detector.seen)
    assert [face.image_index for face in faces.faces] == [0, 2]


def test_alpha_is_passed_over():
    detector = Bright()
    assert detect(batch(0.5, channels=4), detector).found
    assert detector.seen[0].shape == (60, 64, 3)


def test_a_picture_without_a_face_means_what_was_asked_for():
    with pytest.raises(NoFaceFoundError):
        detect(batch(1.0, 0.0))
    assert len(detect(batch(1.0, 0.0), on_no_face="skip photo").faces) == 1
    assert not detect(batch(0.0), on_no_face="go on").found


def test_which_faces_are_taken_can_be_said():
    assert not detect(batch(1.0), selection=Selection(number=2), on_no_face="go on").found


def test_a_bad_picture_is_called_by_the_input_s_name():
    with pytest.raises(BadImageError, match="photo 1 of 1 contains NaN"):
        detect(batch(float("nan")), name="photo")


def test_progress_is_told_after_each_picture_and_cancelling_stops_between_them(monkeypatch):
    from comfy import model_management
    from likeness.host.encoders import detector as module

    told = []

    class Bar:
        def __init__(self, total):
            told.append(total)

        def update_absolute(self, value, total):
            told.append((value, total))
            model_management.interrupt_current_processing(value == 2)

    monkeypatch.setattr(module, "ProgressBar", Bar)
    detector = Bright()
    with pytest.raises(model_management.InterruptProcessingException):
        detect(batch(1.0, 1.0, 1.0), detector)
    assert told == [3, (1, 3), (2, 3)]
    assert len(detector.seen) == 2


def test_cancelling_stops_between_the_faces_of_a_picture(monkeypatch):
    from comfy import model_management
    from likeness.models.face import analysis
    from likeness.models.face.given import GivenRegions

    aligned = []

    def align(*args):
        aligned.append(args)
        model_management.interrupt_current_processing(len(aligned) == 3)
        return real(*args)

    real = analysis.align
    monkeypatch.setattr(analysis, "align", align)
    with pytest.raises(model_management.InterruptProcessingException):
        detect(batch(1.0), GivenRegions("1 1 9 9\n" * 200))
    assert len(aligned) == 3
