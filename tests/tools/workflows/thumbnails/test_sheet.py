"""The sheet of a thumbnail."""

from __future__ import annotations

from io import BytesIO

import numpy as np
import pytest
from likeness.tools.workflows.thumbnails.sheet import GAP, LARGE, MOST_BYTES, SIDE, compose, encode_jpeg
from PIL import Image

RED, GREEN, BLUE = (255, 0, 0), (0, 255, 0), (0, 0, 255)


def plain(colour, side=64) -> Image.Image:
    return Image.new("RGB", (side, side), colour)


def places(sheet: Image.Image, colour) -> tuple[int, int, int, int]:
    """Left, top, right and bottom of a colour."""
    rows, columns = np.nonzero((np.asarray(sheet) == colour).all(-1))
    return columns.min(), rows.min(), columns.max() + 1, rows.max() + 1


def test_portraits_stand_above_the_picture_in_their_order_and_nothing_is_cut():
    sheet = compose([plain(RED), plain(GREEN)], [plain(BLUE)])
    assert sheet.size == (SIDE, SIDE)
    red, green, blue = (places(sheet, colour) for colour in (RED, GREEN, BLUE))
    assert red[2] < green[0]
    assert red[3] == green[3] < blue[1]
    assert red[0] == SIDE - green[2]  # in the middle
    assert (blue[2] - blue[0], blue[3] - blue[1], SIDE - blue[3]) == (LARGE, LARGE, GAP)


def test_several_pictures_stand_side_by_side_in_one_size():
    sheet = compose([plain(RED)], [plain(GREEN), plain(BLUE)])
    green, blue = places(sheet, GREEN), places(sheet, BLUE)
    assert green[2] < blue[0]
    assert (green[1], green[3]) == (blue[1], blue[3])
    assert blue[2] - blue[0] == blue[3] - blue[1]


@pytest.mark.parametrize("blur", [1, 8])
def test_a_file_stays_small_whatever_is_on_it(blur):
    noise = np.random.default_rng(0).integers(0, 256, (SIDE // blur, SIDE // blur, 3), dtype=np.uint8)
    sheet = compose([plain(RED)], [Image.fromarray(noise).resize((SIDE, SIDE))])
    data = encode_jpeg(sheet)
    assert Image.open(BytesIO(data)).size == (SIDE, SIDE)
    assert len(data) < MOST_BYTES
