"""What a page is told about faces."""

from __future__ import annotations

import json

import numpy as np
import pytest
from likeness.models.face.facts import LONGEST, detection_facts, face_facts, small_photo
from likeness.models.face.types import Detection, Face, FaceSet

POINTS = np.zeros((5, 2), np.float32)


def face(box, index, image=0):
    return Face(
        box=np.array(box, np.float32),
        points=POINTS,
        score=0.75,
        crop=np.zeros((224, 224, 3), np.uint8),
        index=index,
        image_index=image,
        image_size=(100, 200),
    )


def test_faces_are_numbered_in_their_order_and_boxes_are_fractions():
    first, second, other = face((20, 10, 60, 60), 1), face((0, 0, 20, 20), 0), face((100, 50, 200, 100), 0, 1)
    images = tuple(np.zeros((100, 200, 3), np.uint8) for _ in range(2))
    told = face_facts(FaceSet(faces=(second,), images=images, candidates=(first, second, other)))
    assert [(each["image"], each["place"], each["index"], each["taken"]) for each in told] == [
        (0, 1, 1, False),
        (0, 2, 0, True),
        (1, 1, 0, False),
    ]
    assert told[0]["box"] == pytest.approx([0.1, 0.1, 0.3, 0.6])
    assert json.loads(json.dumps(told)) == told


def test_what_leaves_the_picture_or_is_no_number_stays_inside():
    wild = Detection(np.array([-50, np.nan, 500, 50], np.float32), POINTS, 0.5)
    assert detection_facts([wild], (100, 200)) == [{"image": 0, "index": 0, "box": [0, 0, 1, 0.5], "score": 0.5}]


@pytest.mark.parametrize("size", [(10, 20), (LONGEST, 3), (3 * LONGEST + 1, 50)])
def test_a_photo_is_no_larger_than_it_is_shown(size):
    photo = small_photo(np.zeros((*size, 3), np.uint8))
    assert max(photo.shape[:2]) <= LONGEST
    assert size[0] > LONGEST or photo.shape[:2] == size
