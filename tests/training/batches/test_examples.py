"""Examples hold pixels, so they are told apart as objects: a crop that stands twice is encoded once."""

from __future__ import annotations

import numpy as np
from likeness.training.batches.examples import Crop


def test_crops_are_counted_as_objects_whatever_their_pixels_are():
    pixels = np.zeros((2, 2, 3), np.uint8)
    first, second = Crop("a", pixels), Crop("a", pixels)
    assert list(dict.fromkeys([first, second, first])) == [first, second]
    assert first != second
