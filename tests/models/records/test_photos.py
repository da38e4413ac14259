"""What the page is told of faces."""

from __future__ import annotations

import json

import numpy as np
import pytest
from likeness.models.face.analysis import Selection, pick
from likeness.models.face.preview import Mark
from likeness.models.face.types import Detection, Face
from likeness.models.records.photos import MOST_FACES, photo_record, photo_records

POINTS = np.zeros((5, 2), np.float32)


def detection(*box, score=0.9):
    return Detection(np.array(box, np.float32), POINTS, score)


def face(index, *box, image=0):
    crop = np.zeros((224, 224, 3), np.uint8)
    return Face(
        box=np.array(box, np.float32),
        points=POINTS,
        score=0.5 + index / 10,
        crop=crop,
        index=index,
        image_index=image,
        image_size=(100, 200),
    )


def test_boxes_are_fractions_inside_the_photo():
    record = photo_record((100, 200), [detection(20, 10, 100, 50), detection(-20, 90, 300, 120, score=0.123456789)])
    assert record == {
        "width": 200,
        "height": 100,
        "faces": [
            {"box": [0.1, 0.1, 0.5, 0.5], "score": 0.9},
            {"box": [0.0, 0.9, 1.0, 1.0], "score": 0.123457},
        ],
    }


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_what_is_no_number_is_none_in_json_either(value):
    record = photo_record((100, 200), [detection(value, 0, 10, 10)])
    assert "N" not in json.dumps(record)
    assert "I" not in json.dumps(record)


def test_no_more_faces_than_a_page_can_show():
    found = [detection(0, 0, 1, 1)] * (MOST_FACES + 5)
    assert len(photo_record((10, 10), found)["faces"]) == MOST_FACES


def test_a_run_says_who_was_taken_in_the_detectors_order():
    images = (np.zeros((100, 200, 3), np.uint8), np.zeros((50, 50, 3), np.uint8))
    found = [face(0, 0, 0, 20, 20), face(1, 100, 0, 180, 80), face(0, 0, 0, 9, 9, image=1)]
    faces = pick(found, images, Selection(), "error")
    first, second = photo_records(faces, [Mark(found[1], "0.7", is_outlier=True)], (255, 0, 10))
    assert [each["taken"] for each in first["faces"]] == [False, True]
    assert first["faces"][0]["score"] < first["faces"][1]["score"]
    assert (first["faces"][1]["note"], first["faces"][1]["outlier"]) == ("0.7", True)
    assert "note" not in first["faces"][0]
    assert {first["colour"], second["colour"]} == {"#ff000a"}
    assert (second["width"], second["height"]) == (50, 50)
    assert second["faces"][0]["taken"]


def test_faces_of_nobody_have_no_colour():
    faces = pick([face(0, 0, 0, 5, 5)], (np.zeros((100, 200, 3), np.uint8),), Selection(), "error")
    assert "colour" not in photo_records(faces)[0]
