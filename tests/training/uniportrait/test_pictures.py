"""UniPortrait's data: crops of people, also from other pictures of them, and what is at hand is not decoded."""

from __future__ import annotations

import hashlib

import numpy as np
import pytest
from likeness.dataset.pictures import decode_picture
from likeness.tests.training.small_dataset import dataset, epoch
from likeness.tests.training.small_pictures import (
    class_map,
    person,
    png,
    row,
)
from likeness.training.batches.face_crops import crop_face
from likeness.training.batches.index import Wanted


def test_an_example_holds_the_picture_and_its_person(tmp_path):
    [example] = epoch(dataset(tmp_path, [row(1, facial_caption="red hair")]))
    assert (example.row_id, example.caption, example.facial_caption) == ("000001", "a woman, number 1", "red hair")
    assert example.pixels is not None
    picture = np.asarray(decode_picture(png(1), "a"))
    assert np.array_equal(example.pixels, picture[:, 8:72])  # a square of 64 around the middle of the face, not scaled
    assert example.sizes == (64, 80, 0, 8, 64, 64)
    [someone] = example.people
    assert someone.box == (0.25, 0.25, 0.75, 0.75)
    assert someone.points[2].tolist() == pytest.approx([0.5, 0.57], abs=1e-6)
    expected = crop_face(decode_picture(png(1), "a"), tuple((x, y) for x, y in person()["kps"]))
    assert np.array_equal(someone.structure.pixels, expected)
    assert someone.intrinsic is someone.structure
    assert someone.parse is None


class TestSwappedIdentities:
    def test_another_picture_of_the_same_person_is_shown(self, tmp_path):
        rows = [row(1, person(identity="ann")), row(2, person(identity="ann")), row(3, person(identity="bob"))]
        data = dataset(tmp_path, rows, swap_identity=1.0)
        crops = {example.row_id: example.people[0] for example in epoch(data)}
        assert crops["000001"].intrinsic.key == crops["000002"].structure.key
        assert np.array_equal(crops["000001"].intrinsic.pixels, crops["000002"].structure.pixels)
        assert crops["000001"].structure.key != crops["000001"].intrinsic.key

    def test_somebody_with_one_picture_is_changed(self, tmp_path):
        data = dataset(tmp_path, [row(1, person(identity="bob"))], swap_identity=1.0)
        someone = data[0].people[0]
        assert someone.intrinsic.key is None
        assert someone.intrinsic.pixels.shape == (224, 224, 3)
        assert not np.array_equal(someone.intrinsic.pixels, someone.structure.pixels)

    def test_somebody_without_a_name_is_never_swapped(self, tmp_path):
        data = dataset(tmp_path, [row(1), row(2)], swap_identity=1.0)
        assert all(example.people[0].intrinsic is example.people[0].structure for example in epoch(data))

    def test_nobody_is_taken_from_another_split(self, tmp_path):
        rows = [row(1, person(identity="ann")), row(2, person(identity="ann"), split="test")]
        data = dataset(tmp_path, rows, swap_identity=1.0)
        assert len(data) == 1
        assert data[0].people[0].intrinsic.key is None

    def test_it_happens_as_often_as_asked(self, tmp_path):
        data = dataset(tmp_path, [row(n, person(identity="ann")) for n in range(2)], swap_identity=0.3, is_cached=len)
        people = [data[position].people[0] for position in range(400)]
        share = sum(someone.intrinsic.key != someone.structure.key for someone in people) / 400
        assert share == pytest.approx(0.3, abs=0.07)

    def test_a_broken_other_picture_is_named_and_the_next_one_taken(self, tmp_path):
        data = dataset(tmp_path, [row(n, person(identity="ann")) for n in range(3)], swap_identity=1.0)
        (tmp_path / "img/000001.png").write_bytes(b"")
        examples = [example for example in epoch(data) + epoch(data, 3) + epoch(data, 6) if example.row_id != "000001"]
        own = {example.people[0].structure.key for example in examples}
        assert all(example.people[0].intrinsic.key in own for example in examples)
        assert all(e.people[0].intrinsic.key != e.people[0].structure.key for e in examples)
        assert any("000001.png is empty" in fault for example in examples for fault in example.passed_over)


def test_a_map_moves_with_its_picture(tmp_path):
    (tmp_path / "p.png").write_bytes(class_map(9))
    data = dataset(tmp_path, [row(1, person(parse="p.png"))], with_parse=True)
    someone = data[0].people[0]
    rows, columns = np.nonzero(someone.parse)
    found = (columns.min() / 64, rows.min() / 64, (columns.max() + 1) / 64, (rows.max() + 1) / 64)
    assert found == someone.box
    assert set(np.unique(someone.parse)) == {0, 9}


class TestCached:
    def test_what_is_at_hand_is_not_decoded(self, tmp_path):
        content = hashlib.sha256(png(1)).hexdigest()
        data = dataset(tmp_path, [row(1, sha256=content)], is_cached=len)
        (tmp_path / "img/000001.png").unlink()
        example = data[0]
        assert example.pixels is None
        assert example.people[0].structure.pixels is None
        assert example.people[0].structure.key

    def test_the_cache_changes_no_key(self, tmp_path):
        rows = [row(n, person(identity="ann")) for n in range(3)]
        plain, cached = (
            [(e.row_id, e.key, e.people[0].structure.key, e.people[0].intrinsic.key) for e in epoch(data)]
            for data in (
                dataset(tmp_path, rows, swap_identity=0.5),
                dataset(tmp_path, rows, swap_identity=0.5, is_cached=len),
            )
        )
        assert plain == cached

    def test_keys_follow_the_content_not_the_name(self, tmp_path):
        data = dataset(tmp_path, [row(1)])
        before = data[0]
        (tmp_path / "img/000001.png").write_bytes(png(7))
        after = data[0]
        assert before.key != after.key
        assert before.people[0].structure.key != after.people[0].structure.key

    def test_another_size_has_another_key_for_latents_but_not_for_features(self, tmp_path):
        small = dataset(tmp_path, [row(1)])[0]
        large = dataset(tmp_path, [row(1)], Wanted(split="train", size=128, fewest=1, most=1))[0]
        assert small.key != large.key
        assert small.people[0].structure.key == large.people[0].structure.key
        assert small.people[0].box == large.people[0].box
