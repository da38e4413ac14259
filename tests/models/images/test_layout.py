import numpy as np
import pytest
import torch
from likeness.models.errors import BadImageError
from likeness.models.images.layout import arrays_from_images, images_from_arrays, rgb_images


def test_every_grey_level_survives_the_round_trip():
    levels = np.arange(256, dtype=np.uint8).reshape(1, 16, 16, 1).repeat(3, axis=3)
    assert np.array_equal(arrays_from_images(images_from_arrays(list(levels)))[0], levels[0])


def test_a_batch_comes_back_picture_by_picture():
    image = torch.rand(3, 5, 7, 3, generator=torch.Generator().manual_seed(0))
    arrays = arrays_from_images(image)
    assert [array.shape for array in arrays] == [(5, 7, 3)] * 3
    assert arrays[0].dtype == np.uint8
    assert torch.allclose(images_from_arrays(arrays), image, atol=0.5 / 255 + 1e-6)


def test_the_input_is_not_changed():
    image = torch.full((1, 2, 2, 3), 0.3)
    arrays_from_images(image)
    assert (image == 0.3).all()


def test_values_outside_the_range_are_clamped():
    image = torch.tensor([-3.0, 0.5, 9.0]).reshape(1, 1, 1, 3)
    assert arrays_from_images(image)[0].tolist() == [[[0, 128, 255]]]


def test_alpha_is_dropped_and_colours_under_it_kept():
    image = torch.zeros(1, 2, 2, 4)
    image[..., 0] = 1.0
    assert arrays_from_images(image)[0][0, 0].tolist() == [255, 0, 0]


def test_grey_becomes_three_equal_channels():
    image = torch.full((1, 2, 2, 1), 0.2)
    assert arrays_from_images(image)[0][1, 1].tolist() == [51, 51, 51]


def test_half_precision_is_read():
    assert rgb_images(torch.ones(1, 2, 2, 3, dtype=torch.float16)).dtype == torch.float32


@pytest.mark.parametrize(
    ("image", "message"),
    [
        (torch.zeros(0, 4, 4, 3), r"photo is empty \(shape \(0, 4, 4, 3\)\)"),
        (torch.zeros(1, 0, 4, 3), "photo is empty"),
        (torch.zeros(4, 4, 3), r"photo has shape \(4, 4, 3\).*\(B, H, W, C\)"),
        (None, "photo has no picture"),
        (torch.zeros(1, 4, 4, 2), "photo has 2 channels"),
        (torch.zeros(1, 4, 4, 5), "photo has 5 channels"),
    ],
)
def test_bad_images_are_named(image, message):
    with pytest.raises(BadImageError, match=message):
        arrays_from_images(image, "photo")


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_not_finite_names_the_picture(value):
    image = torch.zeros(3, 4, 4, 3)
    image[1, 2, 2, 0] = value
    with pytest.raises(BadImageError, match="photo 2 of 3 contains NaN or infinity"):
        arrays_from_images(image, "photo")


def test_pictures_of_several_sizes_are_no_batch():
    with pytest.raises(BadImageError, match="2 sizes"):
        images_from_arrays([np.zeros((4, 4, 3), np.uint8), np.zeros((4, 5, 3), np.uint8)])
    with pytest.raises(BadImageError, match="0 sizes"):
        images_from_arrays([])
