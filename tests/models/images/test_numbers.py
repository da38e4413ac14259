"""Whatever a socket hands over is computed with as floats, or refused in one sentence."""

import pytest
import torch
from likeness.models.errors import BadImageError
from likeness.models.images.layout import arrays_from_images, rgb_images
from likeness.models.images.numbers import MOST_PIXELS, as_floats, require_size

STRANGE = {
    "list": [[0.0]],
    "text": "picture",
    "number": 7,
    "meta": torch.zeros(1, 4, 4, 3, device="meta"),
    "sparse": torch.zeros(1, 4, 4, 3).to_sparse(),
    "complex": torch.zeros(1, 4, 4, 3, dtype=torch.complex64),
    "quantised": torch.quantize_per_tensor(torch.zeros(1, 4, 4, 3), 0.1, 0, torch.quint8),
}


@pytest.mark.parametrize("kind", STRANGE)
def test_what_has_no_pixels_is_refused(kind):
    with pytest.raises(BadImageError, match=r"^photo is a ") as caught:
        rgb_images(STRANGE[kind], "photo")
    assert len(str(caught.value)) <= 300


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32, torch.float64])
def test_floats_stay_as_they_are(dtype):
    given = torch.ones(2, 2, dtype=dtype)
    assert as_floats(given, "mask") is given


@pytest.mark.parametrize("dtype", [torch.bool, torch.uint8, torch.int64, torch.float8_e4m3fn])
def test_other_numbers_become_floats(dtype):
    found = as_floats(torch.ones(2, 2).to(dtype), "mask")
    assert found.dtype == torch.float32
    assert found.eq(1).all()


@pytest.mark.parametrize("dtype", [torch.bool, torch.int32, torch.float8_e5m2, torch.float64])
def test_a_picture_of_ones_is_white_in_every_dtype(dtype):
    (array,) = arrays_from_images(torch.ones(1, 3, 4, 3).to(dtype))
    assert (array == 255).all()


def test_pictures_of_absurd_size_are_refused_before_they_are_looked_at():
    huge = torch.zeros(1, 1, 1, 3).expand(1, 20_000, 20_000, 3)  # without its memory
    with pytest.raises(BadImageError, match="20000×20000 pixels are more than 100,000,000; scale it down first"):
        rgb_images(huge)
    require_size(huge, 10_000, MOST_PIXELS // 10_000, "image")
