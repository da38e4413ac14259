"""Face crops: aligned as at inference, changed as another photo would be, and named by what they show."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from likeness.dataset.manifest import PersonRow
from likeness.models.face.alignment import ARCFACE_TEMPLATE, align
from likeness.training.batches.face_crops import can_be_aligned, crop_and_augment, crop_face, crop_key, face_box
from PIL import Image

POINTS = tuple((x + 40.0, y + 30.0) for x, y in ARCFACE_TEMPLATE.tolist())
CROWDED = tuple((1 + step * 1e-5, 1.0) for step in range(5))  # five different points, and yet no face


@pytest.fixture(scope="module")
def picture():
    values = np.random.default_rng(0).integers(0, 256, (24, 32, 3), np.uint8)
    return Image.fromarray(values.repeat(8, 0).repeat(8, 1))


def somebody(**given) -> PersonRow:
    absent = dict.fromkeys(("face", "points", "identity", "score", "parse", "instance", "arcface"))
    return PersonRow(**{"box": (0.0, 0.0, 9.0, 9.0), **absent, **given})


def test_a_face_is_cut_out_as_at_inference(picture):
    assert np.array_equal(crop_face(picture, POINTS), align(np.asarray(picture), np.array(POINTS), 224))


def test_a_changed_face_is_the_same_for_the_same_generator_and_another_for_another(picture):
    first, again, other = (crop_and_augment(picture, POINTS, np.random.default_rng(seed)) for seed in (1, 1, 2))
    assert first.shape == (224, 224, 3)
    assert first.dtype == np.uint8
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)
    assert not np.array_equal(first, crop_face(picture, POINTS))


def test_a_changed_face_is_still_the_face():
    """A dark dot on the nose stays near the middle of the crop, mirrored or not."""
    values = np.full((200, 240, 3), 200, np.uint8)
    x, y = (round(value) for value in POINTS[2])
    values[y - 4 : y + 4, x - 4 : x + 4] = 0
    for seed in range(20):
        crop = crop_and_augment(Image.fromarray(values), POINTS, np.random.default_rng(seed))
        rows, columns = np.nonzero(crop[..., 0] < 60)
        assert (columns.mean(), rows.mean()) == pytest.approx((112, 143), abs=24)


def test_the_face_of_the_manifest_wins():
    assert face_box(somebody(face=(1.0, 2.0, 3.0, 4.0), points=POINTS)) == (1, 2, 3, 4)


def test_points_give_the_outline_of_the_crop():
    assert face_box(somebody(points=POINTS)) == pytest.approx((40, 30, 152, 142), abs=1e-3)


@pytest.mark.parametrize("points", [None, CROWDED])
def test_without_face_and_points_that_can_be_aligned_the_person_counts(points):
    assert face_box(somebody(points=points)) == (0, 0, 9, 9)


def test_only_five_spread_points_can_be_aligned():
    assert can_be_aligned(POINTS)
    assert not can_be_aligned(None)
    assert not can_be_aligned(CROWDED)


@given(shift=st.floats(-5, 5), name=st.text(max_size=3))
def test_a_key_names_picture_and_points(shift, name):
    moved = ((POINTS[0][0] + shift, POINTS[0][1]), *POINTS[1:])
    assert (crop_key("a", POINTS) == crop_key(name, moved)) == (name == "a" and moved == POINTS)
