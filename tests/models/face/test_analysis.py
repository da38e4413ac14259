import numpy as np
import pytest
from likeness.models.errors import BadImageError, NoFaceFoundError
from likeness.models.face.alignment import align
from likeness.models.face.analysis import analyze, repick
from likeness.models.face.backends.given import GivenRegions
from likeness.models.face.backends.insightface import InsightFace
from likeness.models.face.selection import Selection

RED = (255, 0, 0)


@pytest.fixture
def settings(detector_files):
    return InsightFace(detector_files["scrfd"], 0.7)


def test_faces_of_a_batch(settings, squares):
    pictures = [
        squares(640, 640, (96, 96, 64, RED), (400, 304, 64, RED)),
        squares(480, 640, (200, 200, 64, RED)),
    ]
    done = []
    found = analyze(
        pictures, settings, Selection(order="left to right", take="all"), progress=lambda *a: done.append(a)
    )
    assert [(face.image_index, round(float(face.box[0]), -2)) for face in found.faces] == [(0, 100), (0, 400), (1, 200)]
    assert [face.image_size for face in found.faces] == [(640, 640), (640, 640), (480, 640)]
    assert done == [(1, 2), (2, 2)]
    for face in found.faces:
        assert face.crop.shape == (224, 224, 3)
        assert np.array_equal(face.crop, align(pictures[face.image_index], face.points))


def test_the_default_takes_the_largest_of_every_picture(squares):
    text = "0 0 10 10\n0 0 60 60\nimage 2\n5 5 9 9"
    found = analyze([squares(90, 90)] * 2, GivenRegions(text))
    assert [(face.image_index, face.index) for face in found.faces] == [(0, 1), (1, 0)]
    assert len(found.candidates) == 3


def test_a_set_can_be_picked_again(squares):
    text = "0 0 10 10\n30 0 60 30"
    found = analyze([squares(90, 90)], GivenRegions(text))
    again = repick(found, Selection(order="left to right"), "error")
    assert [face.index for face in again.faces] == [0]
    assert again.images is found.images


def test_a_picture_without_a_face(settings, squares):
    pictures = [squares(640, 640, (96, 96, 64, RED)), squares(300, 300)]
    with pytest.raises(NoFaceFoundError, match="No face was found in image 2 of 2"):
        analyze(pictures, settings)
    assert len(analyze(pictures, settings, on_no_face="skip photo").faces) == 1
    with pytest.raises(NoFaceFoundError, match="none of the 1 images"):
        analyze(pictures[1:], settings, on_no_face="skip photo")
    assert not analyze(pictures[1:], settings, on_no_face="go on").found


def test_no_pictures(settings):
    with pytest.raises(BadImageError, match="no picture"):
        analyze([], settings)
