"""FaceStudio's data: styles without faces, the first person's face, and pictures of nobody."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("torch")
pytest.importorskip("scipy")

from likeness.dataset.manifest import PARSE_CLASSES
from likeness.dataset.pictures import decode_picture
from likeness.dataset.rows import ManifestRows
from likeness.models.clip import CLIP_MEAN
from likeness.models.errors import BadImageError
from likeness.models.face.alignment import align
from likeness.models.facestudio.face_masking import hide_faces
from likeness.models.images.resampling import resize
from likeness.tests.training.small_pictures import class_map, person, png, row, write_manifest, write_pictures
from likeness.training.batches.index import Wanted
from likeness.training.facestudio.pictures import PARSED, StyleDataset, StyleSquare, cut_style

ANY = Wanted(split="train", size=64, fewest=0, most=3)
SQUARE = StyleSquare(size=64)
GREY = np.array([round(255 * value) for value in CLIP_MEAN])


def dataset(folder, rows, square=SQUARE):
    write_pictures(folder, rows)
    return StyleDataset(ManifestRows(write_manifest(folder, rows)), ANY, seed=0, square=square)


def whole(seed: int) -> np.ndarray:
    return np.asarray(decode_picture(png(seed), "a"))


def only(folder, *persons, square=SQUARE):
    return dataset(folder, [{**row(1), "persons": list(persons)}], square)[0]


def test_the_faces_of_the_square_are_hidden_before_it_is_resized(tmp_path):
    example = only(tmp_path, person(), person(x=60, y=2, side=12))
    [sources] = example.people
    boxes = [np.array([24, 16, 56, 48]), np.array([60, 2, 72, 14])]
    left = example.sizes[3]
    boxes = [box - (left, 0, left, 0) for box in boxes]
    expected = hide_faces(example.pixels, boxes).picture
    assert np.array_equal(sources.style.pixels, expected)
    middle = ((boxes[0][:2] + boxes[0][2:]) / 2).astype(int)
    assert np.array_equal(sources.style.pixels[middle[1], middle[0]], GREY)
    [small] = only(tmp_path, person(), person(x=60, y=2, side=12), square=StyleSquare(size=32)).people
    assert np.array_equal(small.style.pixels, resize(expected, (32, 32), "bicubic"))


def test_what_the_parser_saw_is_hidden_instead_of_the_ellipse(tmp_path):
    (tmp_path / "p.png").write_bytes(class_map(9))  # the nose, 16 to 48 by 24 to 56
    seen = only(tmp_path, person(parse="p.png"))
    left = seen.sizes[3]
    style, picture = seen.people[0].style.pixels, seen.pixels
    hidden = (style == GREY).all(-1)
    assert hidden[16:48, 24 - left : 56 - left].all()
    assert not hidden[:14].any()
    assert hidden.sum() > 32 * 32
    ellipse = only(tmp_path, person()).people[0].style.pixels
    assert not np.array_equal(style, ellipse)
    assert np.array_equal(style[~hidden], picture[~hidden])


def test_a_class_that_is_no_part_of_a_face_is_hidden_by_the_box(tmp_path):
    (tmp_path / "p.png").write_bytes(class_map(14))  # hair
    assert len(PARSED) == PARSE_CLASSES
    seen = only(tmp_path, person(parse="p.png")).people[0].style.pixels
    assert np.array_equal(seen, only(tmp_path, person()).people[0].style.pixels)


def test_an_unknown_class_of_a_map_passes_the_row_over(tmp_path):
    (tmp_path / "p.png").write_bytes(class_map(40))
    with pytest.raises(BadImageError, match="holds class 40; classes go from 0 to 15"):
        only(tmp_path, person(parse="p.png"))


def test_the_face_is_that_of_the_first_person_as_the_recogniser_sees_it(tmp_path):
    first, second = person(x=8, side=24), person(x=44, side=24)
    face = only(tmp_path, first, second).people[0].face
    assert np.array_equal(face.pixels, align(whole(1), np.array(first["kps"]), 112))


def test_a_picture_of_nobody_is_a_style_as_it_is(tmp_path):
    example = only(tmp_path)
    [sources] = example.people
    assert sources.face is None
    assert np.array_equal(sources.style.pixels, example.pixels)


@pytest.mark.parametrize("points", [None, [[40 + step * 1e-5, 20] for step in range(5)]])
def test_somebody_without_a_known_face_hides_nothing(tmp_path, points):
    seen = only(tmp_path, person(), person(x=40, side=20, kps=points, face=None))
    left = seen.sizes[3]
    expected = hide_faces(seen.pixels, [np.array([24 - left, 16, 56 - left, 48])]).picture
    assert np.array_equal(seen.people[0].style.pixels, expected)


def test_a_style_has_one_name_for_all_that_it_depends_on(tmp_path):
    (tmp_path / "p.png").write_bytes(class_map(9))
    entries = [person(), person(face=[24, 16, 57, 48]), person(parse="p.png")]
    examples = [only(tmp_path, entry) for entry in entries]
    keys = {example.people[0].style.key for example in examples}
    other = only(tmp_path, person(), square=StyleSquare(size=32)).people[0].style.key
    assert len(keys | {other}) == 4
    assert only(tmp_path, person()).people[0].style.key in keys
    assert examples[0].people[0].style.key != examples[0].key


def test_a_map_that_was_made_anew_gives_the_style_another_name(tmp_path):
    keys = set()
    for part in (9, 10, 9):
        (tmp_path / "p.png").write_bytes(class_map(part))
        keys.add(only(tmp_path, person(parse="p.png")).people[0].style.key)
    assert len(keys) == 2


def test_what_is_cached_is_not_read(tmp_path):
    data = dataset(tmp_path, [row(1)])
    [seen] = data[0].people
    data.is_cached = {seen.style.key, seen.face.key}.__contains__
    [again] = data[0].people
    assert (again.style.pixels, again.face.pixels) == (None, None)
    assert (again.style.key, again.face.key) == (seen.style.key, seen.face.key)


def test_a_reference_s_style_is_the_square_around_the_face_without_it(tmp_path):
    data = dataset(tmp_path, [row(1)])
    square = cut_style(decode_picture(png(1), "a"), data._row(0).persons[0], SQUARE)
    assert square.shape == (64, 64, 3)
    assert np.array_equal(square, data[0].people[0].style.pixels)
