"""Faces of IMAGE tensors."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from likeness.models.errors import BadImageError, NoFaceFoundError
from likeness.models.face.selection import Selection
from likeness.models.face.types import Detection

pytestmark = pytest.mark.comfy

BOX = np.float32([10, 10, 50, 50])
POINTS = np.float32([[22, 24], [38, 24], [30, 32], [24, 40], [36, 40]])


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
    from likeness.host.encoders.faces import detect_faces

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
    from likeness.host.encoders import faces as module

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
