import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from likeness.models.clip import clip_pixels
from likeness.models.errors import BadImageError
from likeness.models.face.facial_features import FEATURES, MOST_REGIONS, kept_regions, region_picture, region_pixels
from likeness.models.face.parsing import LABELS
from likeness.models.face.region_masks import filled_masks
from likeness.tests.models.face.painted_faces import face_labels


@pytest.mark.parametrize(
    ("without", "expected"),
    [
        ((), ("Face", "Left_Eye", "Left_Ear", "Nose", "Upper_Lip")),
        (("left_eye", "left_ear"), ("Face", "Right_Eye", "Right_Ear", "Nose", "Upper_Lip")),
        (("left_ear", "right_ear", "upper_lip"), ("Face", "Left_Eye", "Nose", "Lower_Lip")),
        (("skin", "nose", "left_eye", "right_eye", "upper_lip", "lower_lip", "left_ear", "right_ear"), ()),
    ],
)
def test_of_a_pair_the_first_is_kept(without, expected):
    assert kept_regions(filled_masks(face_labels(without=without))) == expected


def test_sunglasses_leave_no_eye():
    assert kept_regions(filled_masks(face_labels(sunglasses=True))) == ("Face", "Left_Ear", "Nose", "Upper_Lip")


@given(st.lists(st.sampled_from([*LABELS, "WithoutBackground", "nobody knows"])))
def test_at_most_one_of_each_kind_in_the_order_of_the_labels(names):
    kept = kept_regions(names)
    assert set(kept) <= set(names) & set(FEATURES)
    assert len(kept) == len({FEATURES[name] for name in kept}) <= MOST_REGIONS
    assert list(kept) == sorted(kept, key=LABELS.index)
    assert {FEATURES[name] for name in kept} == {FEATURES[name] for name in names if name in FEATURES}
    assert kept_regions(reversed(names)) == kept


def test_names_are_labels_in_their_order():
    assert list(FEATURES) == sorted(FEATURES, key=LABELS.index)
    assert MOST_REGIONS == 5


def test_a_region_picture_is_the_photo_in_the_region_and_black_outside():
    photo = np.random.default_rng(0).integers(1, 256, (300, 420, 3)).astype(np.uint8)
    mask = np.zeros((64, 64), np.uint8)
    mask[16:48, 16:48] = 255
    picture = region_picture(photo, mask)
    assert np.array_equal(picture[100:200, 130:290], photo[100:200, 130:290])
    assert picture[:60].max() == picture[:, :90].max() == 0
    edge = picture[150, 96:112].astype(int)
    assert ((edge > 0) & (edge < photo[150, 96:112])).any(), "a soft edge"


def test_an_empty_or_full_mask():
    photo = np.random.default_rng(0).integers(0, 256, (7, 1, 3)).astype(np.uint8)
    assert not region_picture(photo, np.zeros((8, 8), np.uint8)).any()
    assert np.array_equal(region_picture(photo, np.full((8, 8), 255, np.uint8)), photo)
    with pytest.raises(BadImageError, match="8-bit RGB"):
        region_picture(np.zeros((7, 1, 4), np.uint8), np.zeros((8, 8), np.uint8))


def test_pixels_are_padded_with_zeros():
    photo = np.random.default_rng(0).integers(0, 256, (90, 60, 3)).astype(np.uint8)
    masks = filled_masks(face_labels())
    pixels = region_pixels(photo, masks, ("Nose", "Face"))
    assert pixels.shape == (5, 3, 224, 224)
    assert not pixels[2:].any()
    torch.testing.assert_close(pixels[1], clip_pixels(region_picture(photo, masks["Face"])), atol=0, rtol=0)
    assert not region_pixels(photo, masks, ()).any()
