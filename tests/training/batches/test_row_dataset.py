"""Positions of a run become examples: the same for the same seed, with broken rows replaced."""

from __future__ import annotations

import io
import json
import pickle

import pytest
from likeness.dataset.rows import ShardRows
from likeness.models.errors import BadImageError
from likeness.tests.training.small_dataset import ONE, dataset, digest, epoch
from likeness.tests.training.small_pictures import (
    person,
    png,
    row,
    sample,
    write_shard,
)
from likeness.training.batches.order import Batches
from likeness.training.batches.row_dataset import load_batches
from likeness.training.uniportrait.pictures import PictureDataset


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
