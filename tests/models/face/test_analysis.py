"""From pictures to faces: alignment, order, number, and what happens if there is none."""

from typing import Any, cast

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from likeness.models.errors import BadImageError, InvalidSettingError, NoFaceFoundError
from likeness.models.face.alignment import align
from likeness.models.face.analysis import Selection, analyze, find_faces, pick, repick, sort_faces
from likeness.models.face.given import GivenRegions
from likeness.models.face.insightface import InsightFace
from likeness.models.face.types import Face

SIZE = (100, 200)
ORDERS = [
    "largest first",
    "smallest first",
    "left to right",
    "right to left",
    "top to bottom",
    "highest score",
    "nearest to point",
]
RED = (255, 0, 0)


def face(x, y, side, index=0, image_index=0, score=0.9):
    return Face(
        box=np.array([x, y, x + side, y + side], np.float32),
        points=np.zeros((5, 2), np.float32),
        score=score,
        crop=np.zeros((2, 2, 3), np.uint8),
        index=index,
        image_index=image_index,
        image_size=SIZE,
    )


def images(count):
    return tuple(np.zeros((*SIZE, 3), np.uint8) for _ in range(count))


SMALL_LEFT = face(10, 50, 10, 0, score=0.7)
LARGE_MIDDLE = face(80, 20, 40, 1, score=0.8)
MIDDLING_RIGHT = face(150, 5, 20, 2, score=0.95)
ALL = [SMALL_LEFT, LARGE_MIDDLE, MIDDLING_RIGHT]


@pytest.mark.parametrize(
    ("order", "expected"),
    [
        ("largest first", [1, 2, 0]),
        ("smallest first", [0, 2, 1]),
        ("left to right", [0, 1, 2]),
        ("right to left", [2, 1, 0]),
        ("top to bottom", [2, 1, 0]),
        ("highest score", [2, 1, 0]),
        ("nearest to point", [1, 2, 0]),
    ],
)
def test_orders(order, expected):
    assert [f.index for f in sort_faces(ALL, Selection(order=order))] == expected


def test_the_point_is_a_fraction_of_width_and_height():
    nearest = sort_faces(ALL, Selection(order="nearest to point", point=(0.075, 0.55)))[0]
    assert nearest is SMALL_LEFT


boxes = st.tuples(st.integers(0, 4), st.integers(0, 4), st.integers(1, 3), st.integers(0, 2), st.integers(0, 3))


@given(
    boxes=st.lists(boxes, max_size=12), order=st.sampled_from(ORDERS), take=st.sampled_from(["one per image", "all"])
)
def test_picking_sorts_stably_and_loses_nobody(boxes, order, take):
    per_image = [0] * 3
    faces = []
    for x, y, side, image_index, score in boxes:
        faces.append(face(x, y, side, per_image[image_index], image_index, score / 3))
        per_image[image_index] += 1
    selection = Selection(order=order, take=take)
    result = pick(reversed(faces), images(3), selection, "go on")
    assert sorted(map(id, result.candidates)) == sorted(map(id, faces))
    assert [f.image_index for f in result.candidates] == sorted(f.image_index for f in faces)
    for number in range(3):
        found = result.of_image(number)
        taken = [f for f in result.faces if f.image_index == number]
        assert taken == list(found if take == "all" else found[:1])
        same_place = [f.index for f in found if np.array_equal(f.box, found[0].box) and f.score == found[0].score]
        assert same_place == sorted(same_place)
    again = pick(result.candidates, result.images, selection, "go on")
    assert again.candidates == result.candidates


def test_the_number_takes_that_place_of_every_image():
    faces = [*ALL, face(0, 0, 5, 0, 1), face(50, 0, 9, 1, 1)]
    result = pick(faces, images(2), Selection(order="left to right", number=2), "error")
    assert [(f.image_index, f.index) for f in result.faces] == [(0, 1), (1, 1)]


def test_all_ignores_the_number():
    assert len(pick(ALL, images(1), Selection(take="all", number=64), "error").faces) == 3


def test_nobody_found_names_the_image():
    with pytest.raises(NoFaceFoundError, match=r"No face was found in image 2 of 3;.*skip photo"):
        pick(ALL, images(3), Selection(), "error")


def test_a_number_too_large_says_how_many_there_are():
    with pytest.raises(
        NoFaceFoundError, match=r"face 4 was asked for, but 3 faces were found in image 1 of 1;.*1 to 3"
    ):
        pick(ALL, images(1), Selection(number=4), "error")
    with pytest.raises(NoFaceFoundError, match="but 1 face was found"):
        pick(ALL[:1], images(1), Selection(number=2), "error")


def test_skipping_leaves_out_the_image_but_keeps_numbers():
    result = pick([face(1, 1, 5, 0, 2)], images(3), Selection(), "skip photo")
    assert [f.image_index for f in result.faces] == [2]
    assert len(result.images) == 3


def test_skipping_everybody_is_an_error():
    with pytest.raises(NoFaceFoundError, match="none of the 2 images shows a face;"):
        pick([], images(2), Selection(), "skip photo")
    with pytest.raises(NoFaceFoundError, match="none of the 1 images shows face number 6"):
        pick(ALL, images(1), Selection(number=6), "skip photo")


def test_passing_through_allows_nobody():
    result = pick([], images(2), Selection(), "go on")
    assert not result.found
    assert result.on_no_face == "go on"


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"order": "prettiest"}, 'order is "prettiest"; choose one of: largest first'),
        ({"take": "some"}, 'take is "some"'),
        ({"number": 0}, "number is 0"),
        ({"point": (320, 200)}, "not pixels"),
        ({"point": (float("nan"), 0)}, "fractions"),
    ],
)
def test_bad_settings_are_named(settings, message):
    with pytest.raises(InvalidSettingError, match=message):
        Selection(**settings)


def test_unknown_on_no_face_is_named():
    with pytest.raises(InvalidSettingError, match='on_no_face is "panic"'):
        pick(ALL, images(1), Selection(), cast(Any, "panic"))


@pytest.fixture
def settings(detector_files):
    return InsightFace(detector_files["scrfd"], 0.7)


def test_faces_of_a_batch(settings, squares):
    pictures = [
        squares(640, 640, (96, 96, 64, RED), (400, 304, 64, RED)),
        squares(480, 640, (200, 200, 64, RED)),
    ]
    found = analyze(pictures, settings, Selection(order="left to right", take="all"))
    assert [(face.image_index, round(float(face.box[0]), -2)) for face in found.faces] == [(0, 100), (0, 400), (1, 200)]
    assert [face.image_size for face in found.faces] == [(640, 640), (640, 640), (480, 640)]
    for face in found.faces:
        assert face.crop.shape == (224, 224, 3)
        assert np.array_equal(face.crop, align(pictures[face.image_index], face.points))


def test_pictures_are_looked_at_one_after_the_other_when_they_are_asked_for(settings, squares):
    pictures, seen = [squares(640, 640, (96, 96, 64, RED)), squares(300, 300)], []

    class Noting:
        key = "notes what it sees"

        def at_size(self, size):
            return self

        def find(self, pictures):
            for picture in pictures:
                seen.append(len(picture))
                yield from settings.find([picture])

    found = find_faces(pictures, Noting())
    assert seen == []
    assert [len(faces) for faces in (next(found),)] == [1]
    assert seen == [640]
    assert next(found) == []


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


class StoppedError(Exception):
    """Somebody has had enough."""


def test_a_search_ends_before_the_next_face():
    asked = []

    def go_on():
        asked.append(None)
        if len(asked) == 4:
            raise StoppedError

    regions = GivenRegions("10 10 50 50\n" * 3 + "image 2\n" + "10 10 50 50\n" * 200)
    search = find_faces(images(2), regions, go_on=go_on)
    assert len(next(search)) == 3
    with pytest.raises(StoppedError):
        next(search)
    assert len(asked) == 4
