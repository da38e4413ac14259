"""The data set: the right rows, the same ones for the same seed, people that move along, and broken rows replaced."""

from __future__ import annotations

import hashlib
import io
import json
import logging
import pickle
from pathlib import Path

import numpy as np
import pytest
from likeness.dataset.pictures import decode_picture
from likeness.dataset.rows import ManifestRows, ShardRows
from likeness.models.errors import BadImageError, InvalidSettingError
from likeness.tests.training.small_pictures import (
    class_map,
    person,
    png,
    row,
    sample,
    write_manifest,
    write_pictures,
    write_shard,
)
from likeness.training.batches.examples import Example
from likeness.training.batches.face_crops import crop_face
from likeness.training.batches.index import Wanted
from likeness.training.batches.order import Batches
from likeness.training.batches.row_dataset import load_batches
from likeness.training.uniportrait.pictures import PictureDataset

ONE = Wanted(split="train", size=64, fewest=1, most=1)


def dataset(folder: Path, rows, wanted: Wanted = ONE, *, seed: int = 0, **options) -> PictureDataset:
    write_pictures(folder, rows)
    return PictureDataset(ManifestRows(write_manifest(folder, rows)), wanted, seed=seed, **options)


def digest(example: Example) -> str:
    """Everything in an example as one number."""
    stream = hashlib.sha256()
    for one in example.people:
        for crop in (one.structure, one.intrinsic):
            stream.update(f"{crop.key}".encode() + (b"" if crop.pixels is None else crop.pixels.tobytes()))
        stream.update(f"{one.box}".encode() + one.points.tobytes())
    pixels = b"" if example.pixels is None else example.pixels.tobytes()
    stream.update(f"{example.position} {example.row_id} {example.key} {example.sizes}".encode() + pixels)
    return stream.hexdigest()


def epoch(data: PictureDataset, first: int = 0) -> list[Example]:
    return [data[first + place] for place in range(len(data))]


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


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        (ONE, {"000001"}),
        (Wanted(split="train", size=64, fewest=1, most=2), {"000001", "000002"}),
        (Wanted(split="train", size=64, fewest=2, most=4), {"000002"}),
        (Wanted(split="train", size=64, fewest=0, most=0), {"000005"}),
        (Wanted(split="test", size=64, fewest=1, most=1), {"000003"}),
    ],
)
def test_rows_are_chosen_by_split_and_people(tmp_path, wanted, expected):
    rows = [
        row(1),
        row(2, person(8, 16, 24), person(44, 16, 24)),
        row(3, split="test"),
        row(4, person(kps=None)),
        {**row(5), "persons": []},
        row(6, w=0),
    ]
    data = dataset(tmp_path, rows, wanted)
    assert {example.row_id for example in epoch(data)} == expected


def test_somebody_outside_the_frame_is_not_counted(tmp_path):
    """Of a picture 80 wide, the frame shows 64: people at both ends do not fit together."""
    two = Wanted(split="train", size=64, fewest=2, most=2)
    rows = [row(1, person(0, 4, 8), person(72, 4, 8)), row(2, person(20, 4, 8), person(50, 4, 8))]
    data = dataset(tmp_path, rows, two)
    assert [example.row_id for example in epoch(data)] == ["000002"]
    with pytest.raises(InvalidSettingError, match="1 with fewer than 2 people with face points in the frame"):
        dataset(tmp_path, rows[:1], two)


def test_nothing_to_train_on_says_what_was_passed_over(tmp_path):
    rows = [row(1, split="test"), row(2, w=0), row(3, person(), person())]
    with pytest.raises(InvalidSettingError) as caught:
        dataset(tmp_path, rows)
    for part in ('1 in another split than "train"', "1 with errors", "1 with more than 1 people"):
        assert part in str(caught.value)


def test_rows_with_errors_are_logged_with_their_line(tmp_path, caplog):
    with caplog.at_level(logging.INFO):
        dataset(tmp_path, [row(1), row(2, aes=99), row(1)])
    assert "manifest.jsonl:2: error: aes is 99; give a number from 0 to 10" in caplog.text
    assert "manifest.jsonl:3: error: id is" in caplog.text
    assert "1 rows to train on; passed over: 2 with errors" in caplog.text


def test_the_same_seed_gives_the_same_pictures(tmp_path):
    rows = [row(n, person(identity="ann")) for n in range(4)]
    first, again = (
        [digest(example) for example in epoch(dataset(tmp_path, rows, swap_identity=0.5))] for _ in range(2)
    )
    assert first == again
    other = [digest(example) for example in epoch(dataset(tmp_path, rows, seed=1, swap_identity=0.5))]
    assert first != other


@pytest.mark.parametrize("workers", [0, 2])
def test_a_resumed_run_sees_the_batches_it_would_have_seen(tmp_path, workers):
    data = dataset(tmp_path, [row(n, person(identity="ann")) for n in range(5)], swap_identity=0.5)
    whole = [
        [digest(e) for e in batch] for batch in load_batches(data, Batches(batch_size=2, first=0, end=6), workers=0)
    ]
    resumed = load_batches(data, Batches(batch_size=2, first=4, end=6), workers=workers)
    assert [[digest(e) for e in batch] for batch in resumed] == whole[4:]


def test_every_epoch_shows_every_row(tmp_path):
    data = dataset(tmp_path, [row(n) for n in range(5)])
    for first in (0, 5, 10):
        assert {example.row_id for example in epoch(data, first)} == {f"{n:06d}" for n in range(5)}


def test_a_data_set_goes_to_spawned_workers(tmp_path):
    data = dataset(tmp_path, [row(1), row(2)])
    copy = pickle.loads(pickle.dumps(data))
    assert [digest(example) for example in epoch(copy)] == [digest(example) for example in epoch(data)]


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


class TestBrokenRows:
    @pytest.mark.parametrize("content", [None, b"", b"no picture", png(2)[:-60], png(2, (64, 64))])
    def test_another_row_takes_their_place(self, tmp_path, content):
        data = dataset(tmp_path, [row(1), row(2), row(3)])
        (tmp_path / "img/000002.png").unlink()
        if content is not None:
            (tmp_path / "img/000002.png").write_bytes(content)
        examples = epoch(data)
        assert {example.row_id for example in examples} == {"000001", "000003"}
        assert [len(example.passed_over) > 0 for example in examples].count(True) == 1
        assert [digest(example) for example in examples] == [digest(example) for example in epoch(data)]

    def test_they_are_logged_by_the_loader(self, tmp_path, caplog):
        data = dataset(tmp_path, [row(1), row(2)])
        (tmp_path / "img/000002.png").write_bytes(b"")
        list(load_batches(data, Batches(batch_size=2, first=0, end=1), workers=0))
        assert "img/000002.png is empty (0 bytes)" in caplog.text

    def test_a_broken_map_counts_only_where_it_is_asked_for(self, tmp_path):
        rows = [row(1, person(parse="p.png"))]
        (tmp_path / "p.png").write_bytes(b"")
        assert dataset(tmp_path, rows)[0].row_id == "000001"
        with pytest.raises(
            BadImageError, match=r"100 rows in a row cannot be read, the last because of: p\.png is empty"
        ):
            dataset(tmp_path, rows, with_parse=True)[0]


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


def test_shards_give_what_a_folder_gives(tmp_path):
    rows = [row(n, person(identity="ann")) for n in range(4)]
    folder = dataset(tmp_path, rows, swap_identity=0.5)
    path = write_shard(tmp_path / "a.tar", [sample(n, person(identity="ann")) for n in range(4)])
    shards = PictureDataset(ShardRows([str(path)]), ONE, seed=0, swap_identity=0.5)
    assert [digest(example) for example in epoch(shards)] == [digest(example) for example in epoch(folder)]


def test_shards_written_by_webdataset_are_read(tmp_path):
    webdataset = pytest.importorskip("webdataset")
    stream = io.BytesIO()
    with webdataset.TarWriter(stream) as writer:
        for number in range(2):
            entry = row(number, image=f"{number:06d}.png")
            writer.write({"__key__": entry["id"], "png": png(number), "json": json.dumps(entry).encode()})
    (tmp_path / "a.tar").write_bytes(stream.getvalue())
    data = PictureDataset(ShardRows(["a.tar"], tmp_path), ONE, seed=0)
    assert {example.row_id for example in epoch(data)} == {"000000", "000001"}


def test_a_shard_that_vanishes_does_not_end_the_run(tmp_path):
    write_shard(tmp_path / "a.tar", [sample(1)])
    write_shard(tmp_path / "b.tar", [sample(2)])
    data = PictureDataset(ShardRows(["*.tar"], tmp_path), ONE, seed=0)
    (tmp_path / "a.tar").write_bytes(b"")
    assert {example.row_id for example in epoch(data)} == {"000002"}
