"""Whether faces are sharp and large."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from likeness.models.people.quality import sharpness, sharpness_factors, size_factor
from likeness.tests.people import someone


def noise(seed=0):
    return np.random.default_rng(seed).integers(1, 256, (64, 64, 3), dtype=np.uint8)


def blurred(picture, times=1):
    soft = picture.astype(float)
    for _ in range(times):
        soft = sum(np.roll(soft, shift, (0, 1)) for shift in ((0, 0), (0, 1), (1, 0), (1, 1))) / 4
    return soft.clip(1, 255).astype(np.uint8)


def test_sharpness_is_the_variance_of_the_laplacian():
    board = np.zeros((6, 6, 3), np.uint8)
    board[:] = np.where(np.indices((6, 6)).sum(0) % 2, 200, 100)[..., None]
    assert sharpness(board) == pytest.approx(400**2)  # ±4 · 100, as many of each
    assert sharpness(np.full((8, 8, 3), 77, np.uint8)) == pytest.approx(0, abs=1e-12)


def test_a_blurred_face_is_less_sharp_the_more_it_is_blurred():
    found = [sharpness(blurred(noise(), times)) for times in range(4)]
    assert found == sorted(found, reverse=True)
    assert found[1] < 0.2 * found[0]


def test_what_lies_outside_of_the_picture_and_its_edge_do_not_count():
    soft = blurred(noise(), 4)
    cut = soft.copy()
    cut[:, :20] = 0
    assert sharpness(cut) == pytest.approx(sharpness(soft[:, 20:]), rel=1e-9)
    assert sharpness(np.zeros((8, 8, 3), np.uint8)) == 0


def test_factors_go_by_the_median_and_stay_in_their_range():
    assert sharpness_factors([400.0, 100.0, 900.0, 324.0, 1.0]) == pytest.approx([1, (100 / 324) ** 0.5, 1, 1, 0.5])
    assert sharpness_factors([5.0]) == [1.0]
    assert sharpness_factors([0.0, 0.0, 7.0]) == [1.0, 1.0, 1.0]


@pytest.mark.parametrize(
    ("width", "height", "factor"),
    [(112, 112, 1), (400, 300, 1), (84, 84, 0.75), (98, 128, 1), (20, 20, 0.5), (0, 9, 0.5)],
)
def test_a_face_of_112_pixels_is_large(width, height, factor):
    [(_, face)] = someone().shown
    box = np.array([30, 40, 30 + width, 40 + height], np.float32)
    assert size_factor(replace(face, box=box)) == pytest.approx(factor, abs=1e-6)
