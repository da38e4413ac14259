"""A prior's data: pictures as styles, and no training picture beside them."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("torch")

from likeness.dataset.rows import ManifestRows
from likeness.tests.training.small_pictures import row, write_manifest, write_pictures
from likeness.training.batches.index import Wanted
from likeness.training.facestudio.pictures import StyleDataset, StyleSquare
from likeness.training.facestudio.prior.pictures import PairDataset

ANY, SQUARE = Wanted(split="train", size=64, fewest=0, most=3), StyleSquare(size=32)


def source(folder):
    rows = [row(1)]
    write_pictures(folder, rows)
    return ManifestRows(write_manifest(folder, rows))


@pytest.mark.parametrize("hide", [True, False])
def test_a_pair_is_a_caption_and_the_picture_as_a_style(tmp_path, hide):
    rows = source(tmp_path)
    example = PairDataset(rows, ANY, seed=0, square=SQUARE, hide=hide)[0]
    style = StyleDataset(rows, ANY, seed=0, square=SQUARE)[0].people[0].style
    [crop] = example.people
    assert (example.caption, example.pixels) == ("a woman, number 1", None)
    assert crop.pixels.shape == (32, 32, 3)
    assert np.array_equal(crop.pixels, style.pixels) == hide
    assert (crop.key == style.key) == hide


def test_a_picture_that_is_kept_is_not_decoded(tmp_path):
    data = PairDataset(source(tmp_path), ANY, seed=0, square=SQUARE, hide=True)
    key = data[0].people[0].key
    data.is_cached = {key}.__contains__
    [again] = data[0].people
    assert (again.key, again.pixels) == (key, None)
