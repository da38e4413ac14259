"""A style picture without its faces: by a parser, by boxes, by a mask of the user's."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from likeness.models.clip import CLIP_MEAN, CLIP_STD
from likeness.models.errors import BadImageError, InvalidSettingError, ShapeError
from likeness.models.face.region_masks import TRUE_NAMES
from likeness.models.facestudio.face_masking import hide_faces

FILL = [round(255 * mean) for mean in CLIP_MEAN]
SKIN, NOSE, GLASSES, EAR, NECK, HAIR = (
    TRUE_NAMES.index(name) for name in ("skin", "nose", "eyeglasses", "left_ear", "neck", "hair")
)


def picture(height: int = 97, width: int = 131) -> np.ndarray:
    return np.random.default_rng(5).integers(0, 256, (height, width, 3), dtype=np.uint8)


def test_a_face_without_a_parser_is_hidden_by_the_ellipse_of_its_box_grown_by_four_percent() -> None:
    found = hide_faces(picture(), [(30, 20, 70, 70)])
    y, x = np.mgrid[:97, :131] + 0.5
    expected = ((x - 50) / (20 + 2)) ** 2 + ((y - 45) / (25 + 2)) ** 2 <= 1  # 4 % of 50 pixels
    np.testing.assert_array_equal(found.mask, expected)
    assert (found.parsed, found.boxed) == (0, 1)
    assert found.note == "1 face hidden (1 by box)."


def test_all_else_of_the_picture_stays_and_the_given_one_is_not_changed() -> None:
    given = picture()
    kept = given.copy()
    found = hide_faces(given, [(30, 20, 70, 70)])
    np.testing.assert_array_equal(given, kept)
    np.testing.assert_array_equal(found.picture[~found.mask], given[~found.mask])
    assert (found.picture[found.mask] == FILL).all()


def test_the_colour_is_zero_after_normalisation_up_to_eight_bits() -> None:
    found = hide_faces(picture(), [(30, 20, 70, 70)])
    shown = torch.from_numpy(found.picture).double() / 255
    zero = (shown - torch.tensor(CLIP_MEAN)) / torch.tensor(CLIP_STD)
    assert zero[torch.from_numpy(found.mask)].abs().max() <= 0.5 / 255 / min(CLIP_STD) + 1e-6


def test_another_mean_is_filled_with_its_own_colour() -> None:
    found = hide_faces(picture(), [(30, 20, 70, 70)], mean=(0.5, 0.5, 0.5))
    assert (found.picture[found.mask] == 128).all()


def test_a_parser_hides_the_face_with_glasses_and_leaves_hair_ears_and_neck() -> None:
    labels = np.zeros((97, 131), np.uint8)
    labels[10:25, 30:70] = HAIR
    labels[25:70, 30:70] = SKIN
    labels[40:50, 45:55] = NOSE
    labels[30:36, 32:68] = GLASSES
    labels[35:50, 20:27] = EAR
    labels[75:90, 40:60] = NECK
    found = hide_faces(picture(), [(30, 20, 70, 70)], labels)
    face = np.isin(labels, (SKIN, NOSE, GLASSES))
    assert found.mask[face].all()
    assert not found.mask[labels == EAR].any()
    assert not found.mask[labels == NECK].any()
    assert not found.mask[10:22].any()  # hair, but for the two pixels that the face grows by
    assert found.mask[23:25, 35:65].all()
    assert (found.parsed, found.boxed) == (1, 0)
    assert found.note == "1 face hidden (1 by parser)."


def test_a_lock_of_hair_inside_a_face_is_hidden_with_it() -> None:
    labels = np.zeros((97, 131), np.uint8)
    labels[25:70, 30:70] = SKIN
    labels[30:40, 48:52] = HAIR
    assert hide_faces(picture(), [(30, 20, 70, 70)], labels).mask[30:40, 48:52].all()


def test_a_face_that_the_parser_did_not_see_is_hidden_by_its_box() -> None:
    labels = np.zeros((97, 131), np.uint8)
    labels[25:70, 10:50] = SKIN
    found = hide_faces(picture(), [(10, 20, 50, 70), (80, 20, 120, 70)], labels)
    assert (found.parsed, found.boxed) == (1, 1)
    assert found.mask[45, 100]
    assert found.note == "2 faces hidden (1 by parser, 1 by box)."


def test_every_face_grows_by_its_own_size() -> None:
    labels = np.zeros((200, 400), np.uint8)
    labels[50:150, 50:150] = SKIN  # grows by 4
    labels[90:115, 300:325] = SKIN  # grows by 1
    found = hide_faces(picture(200, 400), [(50, 50, 150, 150), (300, 90, 325, 115)], labels)
    assert found.mask[100, 153]
    assert not found.mask[100, 154]
    assert found.mask[100, 325]
    assert not found.mask[100, 326]


def test_what_a_parser_saw_near_no_box_is_hidden_as_it_is() -> None:
    labels = np.zeros((97, 131), np.uint8)
    labels[5:15, 110:125] = SKIN
    found = hide_faces(picture(), [(10, 40, 40, 80)], labels)
    np.testing.assert_array_equal(found.mask[:20, 100:], labels[:20, 100:] == SKIN)
    assert hide_faces(picture(), [], labels).note == "no face found."


def test_no_face_is_no_error_and_is_said() -> None:
    given = picture()
    found = hide_faces(given, [])
    np.testing.assert_array_equal(found.picture, given)
    assert not found.mask.any()
    assert found.note == "no face found, nothing is hidden."


def test_a_mask_of_the_user_hides_beside_the_faces() -> None:
    drawn = np.zeros((97, 131), bool)
    drawn[:5, :5] = True
    found = hide_faces(picture(), [(30, 20, 70, 70)], mask=drawn)
    assert found.mask[:5, :5].all()
    assert found.mask[45, 50]
    assert found.note == "1 face hidden (1 by box), and what the mask covers."
    assert hide_faces(picture(), [], mask=drawn).note == "no face found, and what the mask covers."
    assert not hide_faces(picture(), [], mask=np.zeros((97, 131), bool)).drawn


@pytest.mark.parametrize("size", [(1, 1), (1, 7), (3, 2)])
def test_the_smallest_pictures_and_boxes_hide_something(size: tuple[int, int]) -> None:
    found = hide_faces(picture(*size), [(0.4, 0.4, 0.6, 0.6)])
    assert found.mask[0, 0]


def test_a_box_that_leaves_the_picture_hides_what_is_inside() -> None:
    found = hide_faces(picture(), [(-20, -20, 20, 20), (500, 500, 600, 600)])
    assert found.mask[0, 0]
    assert not found.mask[50, 60]
    assert found.boxed == 2


def test_bad_input_is_refused() -> None:
    with pytest.raises(BadImageError, match="8-bit RGB"):
        hide_faces(np.zeros((4, 4), np.uint8), [])
    for box in ((5, 5, 1, 9), (0, 0, float("nan"), 4), (1, 2, 3)):
        with pytest.raises(InvalidSettingError, match="A face's box is"):
            hide_faces(picture(), [box])
    with pytest.raises(ShapeError, match="labels has shape"):
        hide_faces(picture(), [], np.zeros((4, 4), np.uint8))
    with pytest.raises(ShapeError, match="mask has shape"):
        hide_faces(picture(), [], mask=np.zeros((4, 4), bool))
