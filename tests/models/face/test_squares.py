import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from likeness.models.errors import BadImageError, InvalidSettingError, NoFaceFoundError
from likeness.models.face.squares import (
    FaceSquare,
    cut_out,
    mask_box,
    most_covered,
    put_back,
    scaled_box,
    square_around,
)
from likeness.models.face.types import Face


def picture(batch, height, width, seed=0):
    return torch.rand(batch, height, width, 3, generator=torch.Generator().manual_seed(seed))


def face(box, size=(100, 200), image_index=0):
    return Face(
        box=np.array(box, np.float32),
        points=np.zeros((5, 2), np.float32),
        score=1.0,
        crop=np.zeros((2, 2, 3), np.uint8),
        index=0,
        image_index=image_index,
        image_size=size,
    )


sides = st.integers(1, 60)
fractions = st.tuples(*[st.floats(0, 1)] * 4)


def box_in(height, width, fraction):
    a, b, c, d = fraction
    return min(a, b) * width, min(c, d) * height, max(a, b) * width, max(c, d) * height


@given(height=sides, width=sides, fraction=fractions, margin=st.floats(0, 4))
def test_the_square_covers_the_box_and_stays_inside(height, width, fraction, margin):
    box = box_in(height, width, fraction)
    region = square_around(box, (height, width), margin, 0)
    longer = max(box[2] - box[0], box[3] - box[1])
    assert region.side <= max(1, round(longer * (1 + 2 * margin)))
    for start, low, high, length in ((region.left, box[0], box[2], width), (region.top, box[1], box[3], height)):
        assert start <= low + 1
        assert start + region.side >= high - 1
        if region.side <= length:
            assert start >= 0
            assert start + region.side <= length
    rows, columns = region.inside
    assert 0 <= rows.start < rows.stop <= height
    assert 0 <= columns.start < columns.stop <= width


@given(
    height=sides,
    width=sides,
    fraction=fractions,
    margin=st.floats(0, 4),
    size=st.integers(8, 40),
    feather=st.integers(0, 60),
)
def test_pasting_touches_nothing_outside_the_region(height, width, fraction, margin, size, feather):
    image = picture(2, height, width)
    region = square_around(box_in(height, width, fraction), (height, width), margin, 1)
    crop = cut_out(image, region, size)
    assert crop.shape == (1, size, size, 3)
    result = put_back(image, 1 - crop, region, feather)
    outside = torch.ones(height, width, dtype=torch.bool)
    outside[region.inside] = False
    assert torch.equal(result[0], image[0])
    assert torch.equal(result[1][outside], image[1][outside])
    assert result.min() >= 0
    assert result.max() <= 1


@given(height=sides, width=sides, fraction=fractions, margin=st.floats(0, 4), feather=st.integers(0, 60))
def test_pasting_an_unchanged_crop_of_the_same_size_changes_nothing(height, width, fraction, margin, feather):
    image = picture(1, height, width)
    region = square_around(box_in(height, width, fraction), (height, width), margin, 0)
    result = put_back(image, cut_out(image, region, region.side), region, feather)
    torch.testing.assert_close(result, image, atol=1e-6, rtol=0)


def test_the_ramp_rises_over_the_feather_and_not_at_the_border():
    image = torch.zeros(1, 100, 100, 3)
    region = FaceSquare(left=0, top=20, side=40, image_size=(100, 100), image_index=0)
    result = put_back(image, torch.ones(1, 80, 80, 3), region, 16)[0, :, :, 0]  # 16 of 80 are 8 of 40 pixels
    assert result[40, 0] == 1
    assert result[40, 31] == 1
    assert result[40, 32:40].tolist() == pytest.approx([(8 - 0.5 - i) / 8 for i in range(8)])
    assert result[40, 40] == 0
    assert result[20:28, 10].tolist() == pytest.approx([(i + 0.5) / 8 for i in range(8)])


def test_no_feather_replaces_the_square():
    region = FaceSquare(left=5, top=6, side=10, image_size=(30, 30), image_index=0)
    result = put_back(torch.zeros(1, 30, 30, 3), torch.ones(1, 10, 10, 3), region, 0)
    assert result.sum() == 10 * 10 * 3
    assert result[0, 6:16, 5:15].min() == 1


def test_margin_is_in_face_sizes_on_each_side():
    region = square_around((400, 400, 500, 480), (1000, 1000), 1.0, None)
    assert (region.side, region.left, region.top) == (300, 300, 290)


def test_at_the_edge_the_square_is_moved_inside():
    region = square_around((0, 900, 100, 1000), (1000, 1000), 1.0, 0)
    assert (region.left, region.top, region.side) == (0, 700, 300)


def test_a_face_longer_than_the_short_side_is_padded_with_the_border():
    image = torch.zeros(1, 10, 40, 3)
    image[:, 0] = 1
    region = square_around((0, 0, 40, 10), (10, 40), 0.0, 0)
    assert (region.left, region.top, region.side) == (0, -15, 40)
    crop = cut_out(image, region, 40)
    assert crop[0, :16].min() == 1
    assert crop[0, 16:].max() == 0
    assert torch.equal(put_back(image, crop, region, 8), image)


def test_cutting_is_antialiased():
    image = (torch.arange(256) % 2).float().reshape(1, 1, 256, 1).expand(1, 256, 256, 3)
    crop = cut_out(image, FaceSquare(left=0, top=0, side=256, image_size=(256, 256), image_index=0), 16)
    assert crop[:, 2:-2, 2:-2].sub(0.5).abs().max() < 0.05


def test_a_region_without_index_belongs_to_every_picture():
    image = picture(3, 20, 20)
    region = square_around((5, 5, 9, 9), (20, 20), 0, None)
    crop = cut_out(image, region, 8)
    assert crop.shape == (3, 8, 8, 3)
    assert (put_back(image, 1 - crop, region, 0) != image).flatten(1).any(dim=1).all()
    one = put_back(image, torch.zeros(1, 8, 8, 3), region, 0)
    assert one[:, 5:9, 5:9].max() == 0


def test_boxes_follow_the_picture_size():
    assert scaled_box(face((10, 20, 30, 40)), (200, 800)) == (40, 40, 120, 80)
    mask = torch.zeros(10, 10)
    mask[2:4, 5:7] = 1
    assert mask_box(mask, (100, 200)) == (100, 20, 140, 40)


def test_the_most_covered_face_is_found_at_any_mask_size():
    left, right = face((10, 10, 60, 60)), face((150, 10, 160, 20))
    mask = torch.zeros(20, 40)
    mask[:, 28:] = 1
    assert most_covered((left, right), mask) is right
    assert most_covered((left, right), 1 - mask) is left


def test_wrong_inputs_are_named():
    region = square_around((5, 5, 9, 9), (20, 20), 0, 2)
    with pytest.raises(BadImageError, match="picture of 20×20 pixels, but the image has 20×30"):
        cut_out(picture(3, 30, 20), region, 8)
    with pytest.raises(BadImageError, match="face is in image 3, but the batch has 2"):
        cut_out(picture(2, 20, 20), region, 8)
    with pytest.raises(BadImageError, match=r"crop has shape \(2, 8, 8, 3\)"):
        put_back(picture(3, 20, 20), picture(2, 8, 8), region, 0)
    with pytest.raises(InvalidSettingError, match="feather is -1"):
        put_back(picture(3, 20, 20), picture(1, 8, 8), region, -1)
    with pytest.raises(InvalidSettingError, match="margin is 5"):
        square_around((0, 0, 1, 1), (20, 20), 5, 0)
    with pytest.raises(InvalidSettingError, match="mask is empty"):
        mask_box(torch.zeros(4, 4), (20, 20))
    with pytest.raises(NoFaceFoundError, match="covers none of the 1 faces"):
        most_covered((face((10, 10, 60, 60)),), torch.zeros(20, 40))
