import sys

import numpy as np
import pytest
from likeness.models.errors import MissingPackageError
from likeness.models.images.resampling import resize


def test_size_is_height_and_width():
    assert resize(np.zeros((4, 6, 3), np.uint8), (10, 3), "bilinear").shape == (10, 3, 3)
    assert resize(np.zeros((4, 6), np.uint8), (10, 3), "bicubic").shape == (10, 3)


def test_shrinking_averages():
    stripes = np.zeros((64, 64), np.uint8)
    stripes[:, ::2] = 200
    assert abs(int(resize(stripes, (8, 8), "bilinear")[4, 4]) - 100) <= 2


def test_the_filters_differ():
    edge = np.zeros((8, 8), np.uint8)
    edge[:, 4:] = 200
    assert resize(edge, (64, 64), "bicubic").max() > 200 == resize(edge, (64, 64), "bilinear").max()


def test_a_missing_package_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "PIL", None)
    with pytest.raises(MissingPackageError, match="pip install pillow"):
        resize(np.zeros((2, 2), np.uint8), (1, 1), "bicubic")
