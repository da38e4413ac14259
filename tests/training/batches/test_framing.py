"""The square that is trained on: as large as possible, around the faces, and everything moves along."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from likeness.training.batches.framing import Frame, frame_faces
from PIL import Image

sizes = st.integers(8, 300)
boxes = st.tuples(st.floats(-50, 300), st.floats(-50, 300), st.floats(1, 100), st.floats(1, 100)).map(
    lambda given: (given[0], given[1], given[0] + given[2], given[1] + given[3])
)


@given(width=sizes, height=sizes, faces=st.lists(boxes, max_size=4), size=st.sampled_from([64, 128]))
def test_the_square_is_as_large_as_the_picture_allows_and_inside_it(width, height, faces, size):
    frame = frame_faces(width, height, faces, size)
    assert frame.side == min(width, height)
    assert 0 <= frame.left <= width - frame.side
    assert 0 <= frame.top <= height - frame.side


@given(width=sizes, height=sizes, box=boxes)
def test_boxes_stay_in_the_square_and_in_order(width, height, box):
    x0, y0, x1, y1 = frame_faces(width, height, [box], 64).box(box)
    assert 0 <= x0 <= x1 <= 64
    assert 0 <= y0 <= y1 <= 64


@given(width=sizes, height=sizes, x=st.floats(0.1, 0.9), y=st.floats(0.1, 0.9))
def test_a_face_that_fits_is_shown(width, height, x, y):
    face = (x * width - 1, y * height - 1, x * width + 1, y * height + 1)
    assert frame_faces(width, height, [face], 64).shows(face)


def test_two_faces_at_the_ends_of_a_wide_picture_do_not_fit():
    faces = [(0.0, 0.0, 10.0, 10.0), (290.0, 0.0, 300.0, 10.0)]
    frame = frame_faces(300, 100, faces, 64)
    assert (frame.left, frame.top) == (100, 0)
    assert not any(frame.shows(face) for face in faces)


def test_without_a_face_the_middle_counts():
    assert frame_faces(100, 60, [], 64) == Frame(64, 20, 0, 60, 100, 60)


@pytest.mark.parametrize(("width", "height"), [(64, 160), (160, 64), (32, 80), (256, 128)])
def test_points_boxes_maps_and_pictures_move_together(width, height):
    """A rectangle drawn into a picture and a map is found where box and points say it is."""
    x, y, side = width // 2 - 4, height // 2 + 2, 8
    values = np.zeros((height, width), np.uint8)
    values[y : y + side, x : x + side] = 5
    box = (float(x), float(y), float(x + side), float(y + side))
    frame = frame_faces(width, height, [(0.0, float(y), float(width), float(y + side))], 64)
    rows, columns = np.nonzero(frame.map(values))
    x0, y0, x1, y1 = frame.box(box)
    assert (columns.min(), rows.min(), columns.max() + 1, rows.max() + 1) == pytest.approx((x0, y0, x1, y1), abs=1)
    picture = frame.picture(Image.fromarray(values * 50).convert("RGB"))
    assert picture.shape == (64, 64, 3)
    assert picture[round((y0 + y1) / 2), round((x0 + x1) / 2)].min() > 200
    assert frame.points(np.array([box[:2], box[2:]])).reshape(4) == pytest.approx((x0, y0, x1, y1))
    assert frame.map(values).max() == 5


def test_sdxl_is_told_the_size_before_and_the_corner_after_scaling():
    frame = frame_faces(400, 200, [(300.0, 0.0, 320.0, 20.0)], 100)
    assert frame.conditioning == (200, 400, 0, 100, 100, 100)
