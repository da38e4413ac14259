import numpy as np
import pytest
import torch
from likeness.models.clip import clip_pixels
from likeness.models.consistentid.region_pictures import SHOWN_SIDE, region_pictures
from likeness.models.face.facial_features import region_picture
from likeness.models.face.region_masks import filled_masks
from likeness.tests.models.consistentid.small_encoders import SmallParser, looking, picture

ALL = ("face", "ears", "eyes", "nose", "mouth")


@pytest.fixture
def looks():
    return looking(12, 10)


def test_regions_come_in_their_order_as_the_image_encoder_sees_them(looks):
    photo = picture(regions=("Nose", "Right_Ear", "Face"))
    found = region_pictures(photo, ALL, looks.encoders, 512)
    masks = filled_masks(SmallParser().labels(photo, 512))
    assert [each.name for each in found] == ["Face", "Right_Ear", "Nose"]
    assert [each.feature for each in found] == ["face", "ears", "nose"]
    for each in found:
        expected = region_picture(photo, masks[each.name])
        assert np.array_equal(each.shown, expected)
        assert torch.equal(each.pixels, clip_pixels(expected))


def test_only_wanted_features_are_cut_out(looks):
    photo = picture()
    assert [each.name for each in region_pictures(photo, ["mouth"], looks.encoders, 512)] == ["Upper_Lip"]
    assert len(looks.encoders.store) == 2, "the labels and one picture"


def test_a_picture_is_cut_out_once_a_size(looks):
    photo = picture()
    first = region_pictures(photo, ["nose"], looks.encoders, 512)
    again = region_pictures(photo.copy(), ["nose"], looks.encoders, 512)
    assert again[0].pixels is first[0].pixels
    other = region_pictures(photo, ["nose"], looks.encoders, 1280)
    assert other[0].pixels is not first[0].pixels


def test_large_pictures_are_shown_reduced(looks):
    photo = np.ascontiguousarray(np.tile(picture(), (24, 12, 1)))
    [nose] = region_pictures(photo, ["nose"], looks.encoders, 512)
    assert nose.shown.shape == (SHOWN_SIDE, SHOWN_SIDE // 2, 3)
    assert nose.pixels.shape == (3, 224, 224)
