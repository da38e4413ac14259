import hypothesis.strategies as st
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis.extra.numpy import arrays
from likeness.models.errors import InvalidSettingError
from likeness.models.face.parsing import LABELS
from likeness.models.face.region_masks import (
    REGIONS,
    TRUE_NAMES,
    filled,
    filled_masks,
    mask_tensor,
    region_mask,
    soft_edges,
)
from likeness.tests.models.face.painted_faces import face_labels, label

SMALL = arrays(bool, st.tuples(st.integers(1, 12), st.integers(1, 12)))


def reachable(mask):
    """Background that a walk from outside over shared edges reaches, by brute force."""
    open_ = np.pad(~mask, 1, constant_values=True)
    found = np.zeros_like(open_)
    waiting = [(0, 0)]
    while waiting:
        row, column = waiting.pop()
        inside = 0 <= row < open_.shape[0] and 0 <= column < open_.shape[1]
        if inside and open_[row, column] and not found[row, column]:
            found[row, column] = True
            waiting += [(row + 1, column), (row - 1, column), (row, column + 1), (row, column - 1)]
    return found[1:-1, 1:-1]


@given(SMALL)
@settings(max_examples=60, deadline=None)
def test_filling_leaves_what_can_be_reached_from_outside(mask):
    assert np.array_equal(filled(mask), ~reachable(mask))


def test_a_diagonal_gap_is_no_way_out():
    ring = np.array([[0, 1, 0], [1, 0, 1], [0, 1, 0]], bool)
    assert filled(ring)[1, 1]


def test_names_are_those_of_the_labels():
    assert len(LABELS) == len(TRUE_NAMES) == len(set(LABELS)) == len(set(TRUE_NAMES)) == 19
    assert [TRUE_NAMES[LABELS.index(name)] for name in ("Hair", "Hat", "Earring", "Face", "Upper_Lip")] == [
        "eyeglasses",
        "hair",
        "hat",
        "skin",
        "upper_lip",
    ]


def test_masks_stand_in_the_order_of_the_labels():
    masks = filled_masks(face_labels(without=("left_ear", "left_eye")))
    present = [name for name in LABELS if name not in ("Left_Ear", "Left_Eye", "Hair", "Mouth_External Contour")]
    absent = ("Neck_Inner Contour", "Earring")
    assert list(masks) == ["WithoutBackground", *(name for name in present if name not in absent)]
    assert {mask.dtype for mask in masks.values()} == {np.dtype(np.uint8)}
    assert set(np.unique(masks["Face"])) == {0, 255}


def test_the_face_mask_covers_what_it_encloses():
    masks = filled_masks(face_labels())
    for name in ("Left_Eye", "Right_Eyebrow", "Nose", "Upper_Lip"):
        assert (masks["Face"][masks[name] == 255] == 255).all()


def test_background_around_a_person_fills_the_picture():
    masks = filled_masks(np.pad(face_labels(), 3))
    assert (masks["Background"] == 255).all()
    assert not masks["WithoutBackground"].any()


def test_speckle_gives_masks_that_hold_at_least_their_label():
    labels = np.random.default_rng(0).integers(0, 19, (64, 64)).astype(np.uint8)
    for name, mask in filled_masks(labels).items():
        if name != "WithoutBackground":
            assert (mask[labels == LABELS.index(name)] == 255).all()


def test_a_picture_full_of_one_label():
    assert list(filled_masks(np.full((8, 8), 1, np.uint8))) == ["Face"]
    assert list(filled_masks(np.zeros((8, 8), np.uint8))) == ["WithoutBackground", "Background"]


def test_every_label_belongs_to_a_region_of_its_own():
    single = {name: region.labels for name, region in REGIONS.items() if name != "face"}
    assert sorted(labels for labels in single.values()) == [(number,) for number in range(19)]
    assert all(TRUE_NAMES[number] == name for name, (number,) in single.items())


def test_the_face_holds_all_its_parts_and_nothing_around_it():
    labels = face_labels()
    face = region_mask(labels, "face")
    inside = ("skin", "left_eye", "right_eyebrow", "nose", "mouth", "lower_lip")
    assert all(face[labels == label(name)].all() for name in inside)
    assert not any(face[labels == label(name)].any() for name in ("left_ear", "hair", "neck", "clothes", "background"))
    assert not region_mask(labels, "skin")[labels == label("left_eye")].any()


def test_a_profile_keeps_a_nose_that_sticks_out():
    labels = face_labels(without=("left_eye", "left_ear", "nose"))
    labels[110:146, 180:200] = label("nose")
    assert region_mask(labels, "face")[labels == label("nose")].all()
    assert not region_mask(labels, "left_eye").any()
    assert region_mask(labels, "right_eye").any()


def test_sunglasses_hide_the_eyes_and_belong_to_the_face():
    labels = face_labels(sunglasses=True)
    assert not region_mask(labels, "left_eye").any()
    assert region_mask(labels, "face")[labels == label("eyeglasses")].all()


def test_a_batch_gives_a_batch_and_missing_regions_are_empty():
    masks = mask_tensor([face_labels(), face_labels(without=("nose",)), np.zeros((256, 256), np.uint8)], "nose")
    assert masks.shape == (3, 256, 256)
    assert masks.dtype == torch.float32
    assert [bool(mask.any()) for mask in masks] == [True, False, False]


@given(SMALL)
@settings(max_examples=30, deadline=None)
def test_no_settings_change_nothing(mask):
    assert np.array_equal(soft_edges(mask, 0, 0), mask.astype(np.float32))


@given(SMALL, st.integers(-4, 4))
@settings(max_examples=60, deadline=None)
def test_growing_is_by_distance(mask, expand):
    """The edge runs half a pixel beside the last pixel inside, and moves by so many pixels."""
    rows, columns = np.indices(mask.shape)
    result = soft_edges(mask, expand, 0) > 0
    target = mask if expand > 0 else ~mask
    places = np.argwhere(target)
    if not expand or not mask.any() or mask.all():
        assert np.array_equal(result, mask)
        return
    distance = np.min([np.hypot(rows - row, columns - column) for row, column in places], axis=0)
    assert np.array_equal(result, distance < expand + 0.5 if expand > 0 else distance > 0.5 - expand)


def test_the_ramp_is_centred_on_the_edge():
    mask = np.zeros((9, 40), bool)
    mask[:, 20:] = True
    row = soft_edges(mask, 0, 8)[4]
    assert row[:16].max() == 0
    assert row[24:].min() == 1
    np.testing.assert_allclose(row[16:24], (np.arange(8) + 0.5) / 8, atol=1e-6)
    np.testing.assert_allclose(soft_edges(mask, 3, 8)[4, 13:21], (np.arange(8) + 0.5) / 8, atol=1e-6)


def test_the_border_of_the_picture_is_no_edge():
    mask = np.ones((20, 30), bool)
    assert soft_edges(mask, -5, 6).min() == 1
    mask[:, :10] = False
    assert soft_edges(mask, -5, 0)[0, 15:].min() == 1


@pytest.mark.parametrize(
    ("expand", "feather", "name"), [(-257, 0, "expand"), (257, 0, "expand"), (0, -1, "feather"), (0, 257, "feather")]
)
def test_settings_out_of_range_are_refused(expand, feather, name):
    with pytest.raises(InvalidSettingError, match=f"^{name} is"):
        soft_edges(np.ones((2, 2), bool), expand, feather)
