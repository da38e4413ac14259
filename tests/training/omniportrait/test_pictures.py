"""OmniPortrait's data: the row of everybody's noun, squares around faces, where the picture shows them, and batches of it."""

from __future__ import annotations

import numpy as np
import pytest
from likeness.dataset.pictures import decode_picture
from likeness.dataset.rows import ManifestRows
from likeness.tests.training.small_pictures import class_map, person, png, row, write_manifest, write_pictures
from likeness.training.batches.index import Wanted
from likeness.training.omniportrait.crops import cut_wide
from likeness.training.omniportrait.pictures import PortraitDataset

pytest.importorskip("open_clip")

ONE = Wanted(split="train", size=64, fewest=1, most=1, with_nouns=True)
BOX = (24.0, 16.0, 56.0, 48.0)


def dataset(folder, rows, wanted=ONE, **options):
    write_pictures(folder, rows)
    for name, content in options.pop("maps", {}).items():
        (folder / name).write_bytes(content)
    return PortraitDataset(ManifestRows(write_manifest(folder, rows)), wanted, seed=0, **options)


def test_an_example_holds_the_row_of_the_noun_and_the_square_around_the_face(tmp_path):
    example = dataset(tmp_path, [row(1)])[0]
    [someone] = example.people
    assert someone.row == 2  # "a woman, number 1" begins in row 1
    assert np.array_equal(someone.wide, cut_wide(np.asarray(decode_picture(png(1), "a")), BOX))
    assert (someone.wide.dtype, someone.head.dtype, someone.face.dtype) == (np.uint8,) * 3


def test_without_a_map_the_face_is_the_ellipse_in_its_box(tmp_path):
    [someone] = dataset(tmp_path, [row(1)])[0].people
    middles = np.arange(64) + 0.5 - 32  # the square begins 8 pixels from the left
    assert np.array_equal(someone.face == 255, middles[:, None] ** 2 + middles**2 <= 16**2)
    assert np.mean(someone.face == 255) == pytest.approx(np.pi * 16**2 / 64**2, rel=0.02)
    assert (someone.face[32, 32], someone.face[17, 17], someone.face[32, 17]) == (255, 0, 255)
    share = np.mean(someone.head / 255)  # an ellipse 1.3 times as large, in a square 1.3 * 288 / 224 times as large
    assert share == pytest.approx(np.pi / 4 * (224 / 288) ** 2, rel=0.02)


@pytest.mark.parametrize(
    ("part", "is_face"), [(1, True), (10, True), (14, False), (7, False), (13, False), (15, False)]
)
def test_with_a_map_the_face_is_what_it_says_without_hair_ears_and_neck(tmp_path, part, is_face):
    rows = [row(1, person(parse="p.png"))]
    [someone] = dataset(tmp_path, rows, maps={"p.png": class_map(part)})[0].people
    expected = np.zeros((64, 64), np.uint8)
    expected[16:48, 16:48] = 255 * is_face
    assert np.array_equal(someone.face, expected)
    assert np.array_equal(
        someone.head > 127, cut_wide(np.pad(np.full((32, 32), 255, np.uint8), ((16, 16), (24, 24))), BOX) > 127
    )
    assert someone.head.max() == 255


def test_the_square_is_cut_although_the_latents_are_kept(tmp_path):
    example = dataset(tmp_path, [row(1)], is_cached=lambda key: True)[0]
    assert example.pixels is None
    assert example.people[0].wide.any()
