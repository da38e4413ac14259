"""Pictures and maps are decoded, upright, or refused with the reason."""

from __future__ import annotations

import io

import numpy as np
import pytest
from likeness.dataset.pictures import decode_map, decode_picture
from likeness.models.errors import BadImageError
from likeness.tests.training.small_pictures import class_map, encode, png
from PIL import Image


def test_a_picture_is_rgb_whatever_it_was():
    grey = Image.fromarray(np.arange(12, dtype=np.uint8).reshape(3, 4))
    picture = decode_picture(encode(grey), "a")
    assert (picture.mode, picture.size) == ("RGB", (4, 3))
    assert np.array_equal(np.asarray(picture), np.asarray(grey)[..., None].repeat(3, -1))


def test_a_turned_photo_is_upright():
    stream, exif = io.BytesIO(), Image.Exif()
    exif[0x0112] = 6  # to be turned by 90 degrees
    pixels = np.zeros((8, 16, 3), np.uint8)
    pixels[:, 8:] = 255
    Image.fromarray(pixels).save(stream, "PNG", exif=exif)
    upright = np.asarray(decode_picture(stream.getvalue(), "a"))
    assert upright.shape == (16, 8, 3)
    assert (upright[0].max(), upright[-1].min()) == (0, 255)


@pytest.mark.parametrize("mode", ["P", "L"])
def test_a_map_is_what_is_stored_and_not_its_colours(mode):
    classes = np.arange(6, dtype=np.uint8).reshape(2, 3)
    image = Image.fromarray(classes)
    if mode == "P":
        image = image.convert("P")
        image.putdata(classes.reshape(-1).tolist())
    assert np.array_equal(decode_map(encode(image), "m"), classes)


def test_a_map_of_one_bit_is_read_too():
    values = decode_map(encode(Image.fromarray(np.array([[0, 255]], np.uint8)).convert("1")), "m")
    assert (values > 0).tolist() == [[False, True]]


@pytest.mark.parametrize("decode", [decode_picture, decode_map])
@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", r"m\.png is empty \(0 bytes\); write it again"),
        (b"no picture", r"m\.png cannot be decoded \(no picture that Pillow knows\); save it again"),
        (class_map()[:-40], r"m\.png cannot be decoded \(.+\); save it again"),
    ],
)
def test_what_cannot_be_decoded_is_refused(decode, content, reason):
    with pytest.raises(BadImageError, match=reason):
        decode(content, "m.png")


def test_a_map_with_colours_is_refused():
    with pytest.raises(BadImageError, match="m has mode RGB; save it as an 8-bit palette or grey PNG"):
        decode_map(png(1), "m")
