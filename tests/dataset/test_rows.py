"""Manifests and shards: rows are found again, checked against each other, and never end the reading."""

from __future__ import annotations

import pytest
from likeness.dataset.rows import ManifestRows, ShardRows, find_shards
from likeness.models.errors import MissingModelFileError
from likeness.tests.training.small_pictures import (
    png,
    row,
    sample,
    write_manifest,
    write_pictures,
    write_shard,
)


def errors(source) -> list[str]:
    return [str(fault) for _, parsed in source.scan() for fault in parsed.faults if fault.level == "error"]


def usable(source) -> list[str]:
    return [parsed.row.id for _, parsed in source.scan() if parsed.row]


@pytest.fixture
def shards(tmp_path):
    write_shard(tmp_path / "train-00.tar", [sample(1), sample(2)])
    write_shard(tmp_path / "train-01.tar", [sample(3)])
    return ShardRows(["train-{00..01}.tar"], tmp_path)


def test_rows_of_a_manifest_are_found_again(tmp_path):
    rows = [row(1, caption="ä € 𝄞 woman"), row(2), row(3)]
    source = ManifestRows(write_manifest(tmp_path, ["", rows[0], "  ", rows[1], rows[2]]))
    entries = list(source.scan())
    assert [parsed.line for _, parsed in entries] == [2, 4, 5]
    for number, parsed in reversed(entries):
        assert source.row(number) == parsed.row


def test_files_of_a_manifest_are_read_from_its_folder(tmp_path):
    write_pictures(tmp_path, [row(1)])
    source = ManifestRows(write_manifest(tmp_path, [row(1)]))
    assert source.read(0, "img/000001.png") == png(1)
    with pytest.raises(FileNotFoundError):
        source.read(0, "img/2.png")


def test_a_link_does_not_lead_out_of_the_folder(tmp_path):
    (tmp_path / "secret").write_bytes(b"x")
    inside = tmp_path / "data"
    inside.mkdir()
    (inside / "a.png").symlink_to(tmp_path / "secret")
    source = ManifestRows(write_manifest(inside, [row(1)]))
    with pytest.raises(FileNotFoundError, match="leads out of the manifest's folder"):
        source.read(0, "a.png")


def test_rows_of_shards_are_found_again(shards):
    entries = list(shards.scan())
    assert [parsed.row.id for _, parsed in entries] == ["000001", "000002", "000003"]
    assert [(parsed.file, parsed.line) for _, parsed in entries][1:] == [("train-00.tar", 2), ("train-01.tar", 1)]
    for number, parsed in reversed(entries):
        assert shards.row(number) == parsed.row
        assert shards.read(number, parsed.row.image) == png(int(parsed.row.id))


def test_names_longer_than_a_tar_header_are_found_again(tmp_path):
    long = "d" * 120 + "/" + "n" * 90
    samples = [
        {f"{long}{n}.png": png(n), f"{long}{n}.json": sample(n, image=f"{long}{n}.png")[f"{n:06d}.json"]}
        for n in (1, 2)
    ]
    source = ShardRows([str(write_shard(tmp_path / "a.tar", samples))])
    [_, (number, parsed)] = source.scan()
    assert source.row(number) == parsed.row
    assert source.read(number, parsed.row.image) == png(2)


def test_a_file_outside_the_sample_is_not_there(shards):
    [(number, _), *_] = shards.scan()
    with pytest.raises(FileNotFoundError, match=r"000002.png is not in its sample of train-00.tar"):
        shards.read(number, "000002.png")


def test_samples_without_row_or_picture_are_named(tmp_path):
    pictureless, rowless, two = sample(1), sample(2), sample(3)
    del pictureless["000001.png"], rowless["000002.json"]
    source = ShardRows(
        [str(write_shard(tmp_path / "a.tar", [pictureless, rowless, two | {"000003.b.json": b"{}"}, sample(4)]))]
    )
    found = errors(source)
    assert len(found) == 3
    assert found[0].startswith('a.tar:1: error: image is "000001.png", which is not among the files of its sample')
    assert found[1].startswith("a.tar:2: error: has 0 .json files among 000002.png")
    assert found[2].startswith("a.tar:3: error: has 2 .json files")
    assert usable(source) == ["000004"]


def test_a_shard_that_breaks_off_gives_what_lies_before(tmp_path):
    path = write_shard(tmp_path / "a.tar", [sample(1), sample(2)])
    write_shard(tmp_path / "b.tar", [sample(3)])
    content = path.read_bytes()
    second = content.index(b"000002.json") + 700
    path.write_bytes(content[:second])
    source = ShardRows(["*.tar"], tmp_path)
    assert usable(source)[0] == "000001"
    assert usable(source)[-1] == "000003"
    assert len(errors(source)) >= 1


@pytest.mark.parametrize("content", [b"", b"no tar at all" * 100])
def test_what_is_no_tar_is_named(tmp_path, content):
    (tmp_path / "a.tar").write_bytes(content)
    write_shard(tmp_path / "b.tar", [sample(1)])
    source = ShardRows(["*.tar"], tmp_path)
    assert usable(source) == ["000001"]
    [error] = errors(source)
    assert error.startswith("a.tar:1: error: cannot be read further")


def test_patterns_are_filled_in_and_sorted(tmp_path):
    for name in ("a-08.tar", "a-09.tar", "a-10.tar", "b.tar"):
        (tmp_path / name).touch()
    assert [path.name for path in find_shards("a-{09..10}.tar", tmp_path)] == ["a-09.tar", "a-10.tar"]
    assert [path.name for path in find_shards("*.tar", tmp_path)] == ["a-08.tar", "a-09.tar", "a-10.tar", "b.tar"]
    with pytest.raises(MissingModelFileError, match=r'No shard fits "c-\{0\.\.3\}\.tar"'):
        find_shards("c-{0..3}.tar", tmp_path)


def test_a_manifest_that_is_not_there_is_named(tmp_path):
    with pytest.raises(MissingModelFileError, match=r"none\.jsonl"):
        ManifestRows(tmp_path / "none.jsonl")


def test_shards_are_checked_as_one_manifest(tmp_path):
    write_shard(tmp_path / "a.tar", [sample(1)])
    write_shard(tmp_path / "b.tar", [sample(1)])
    [error] = errors(ShardRows(["*.tar"], tmp_path))
    assert error.startswith('b.tar:1: error: id is "000001", as in a.tar:1')


def test_a_second_scan_finds_the_same(shards):
    assert list(shards.scan()) == list(shards.scan())
