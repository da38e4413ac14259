"""Pictures of different sizes on one sheet."""

import numpy as np
import pytest
from likeness.models.images.contact_sheet import CELL_SIDES, GROUND, contact_sheet


def painted(height, width, colour):
    return np.full((height, width, 3), colour, np.uint8)


@pytest.mark.parametrize("count", [0, 1, 2, 5, 64])
def test_as_many_cells_as_pictures(count):
    sheet = contact_sheet([painted(20, 30, (200, 0, 0))] * count, ["face"] * count)
    columns = max(1, int(np.ceil(np.sqrt(count))))
    rows = max(1, int(np.ceil(count / columns)))
    assert sheet.dtype == np.uint8
    assert columns * CELL_SIDES[0] < sheet.shape[1] < columns * CELL_SIDES[1] * 1.1 + CELL_SIDES[1]
    assert rows * CELL_SIDES[0] < sheet.shape[0] < rows * CELL_SIDES[1] * 1.25 + CELL_SIDES[1]
    red = (sheet == (200, 0, 0)).all(-1).sum()
    assert (red > 0) == (count > 0)


def test_a_picture_keeps_its_shape_and_its_cell():
    sheet = contact_sheet([painted(10, 40, (200, 0, 0)), painted(40, 10, (0, 200, 0))], ["", ""])
    ys, xs = np.nonzero((sheet == (200, 0, 0)).all(-1))
    assert np.ptp(xs) + 1 == 512
    assert np.ptp(ys) + 1 == 128
    other = np.nonzero((sheet == (0, 200, 0)).all(-1))
    assert other[1].min() > xs.max()
    assert np.ptp(other[0]) + 1 == 512


def test_captions_are_written_below():
    without, with_caption = (contact_sheet([painted(9, 9, (0, 0, 200))], [text]) for text in ("", 'Nose 😀 "x"'))
    assert without.shape == with_caption.shape
    changed = np.nonzero((without != with_caption).any(-1))
    assert changed[0].min() > 512
    assert with_caption.max() > max(GROUND) + 100


def test_one_caption_per_picture():
    with pytest.raises(ValueError, match="zip"):
        contact_sheet([painted(5, 5, (1, 2, 3))], [])


def test_the_number_of_columns_may_be_given():
    sheet = contact_sheet([painted(9, 9, (200, 0, 0))] * 5, [""] * 5, columns=4)
    cells = np.nonzero((sheet == (200, 0, 0)).all(-1))
    lefts, tops = (np.unique(axis) for axis in cells[::-1])
    assert len(lefts) == 4 * 512
    assert len(tops) == 2 * 512


def test_a_long_caption_stays_in_its_cell():
    pictures = [painted(9, 9, GROUND)] * 3
    plain, long = (contact_sheet(pictures, ["", text, ""], columns=3) for text in ("", "a word\n" * 50))
    changed = np.nonzero((plain != long).any(-1))[1]
    side, gap = 512, 16
    middle = gap + side + gap
    assert middle <= changed.min() < middle + 60
    assert middle + side - 60 < changed.max() < middle + side
