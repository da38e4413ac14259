"""Photos are turned as their files say, and what cannot be read is one sentence."""

from __future__ import annotations

import numpy as np
import pytest
from likeness.evaluation.photos import read_photo
from likeness.models.errors import BadImageError
from PIL import Image

TURNED = 6  # EXIF: the picture lies on its left side
ORIENTATION = 0x0112


def test_a_photo_is_turned_as_its_file_says(tmp_path):
    picture = np.zeros((4, 8, 3), np.uint8)
    picture[0, 0] = 255
    notes = Image.Exif()
    notes[ORIENTATION] = TURNED
    Image.fromarray(picture).save(tmp_path / "a.png", exif=notes)
    found = read_photo(tmp_path / "a.png")
    assert found.shape == (8, 4, 3)
    assert found[0, -1].tolist() == [255] * 3


def test_a_file_that_is_no_picture_is_one_sentence(tmp_path):
    (tmp_path / "a.png").write_text("no picture")
    with pytest.raises(BadImageError, match=f'The photo "a.png" in {tmp_path} cannot be read'):
        read_photo(tmp_path / "a.png")
