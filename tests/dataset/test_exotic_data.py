"""Nothing that is wrong with the data ends the check."""

from __future__ import annotations

import os
import tarfile

import numpy as np
import pytest
from likeness.dataset.check import check
from likeness.dataset.rows import ManifestRows, ShardRows
from likeness.models.errors import MissingModelFileError
from likeness.tests.training.small_pictures import png, row, sample, write_manifest, write_pictures, write_shard


def pipe(path):
    os.mkfifo(path)


def loop(path):
    path.symlink_to(path)


def long_loop(path):
    for number in range(60):
        (path.parent / f"l{number}").symlink_to(path.parent / f"l{number + 1}")
    path.symlink_to(path.parent / "l0")


def zero(path):
    path.symlink_to("/dev/zero")


def folder(path):
    path.mkdir()


def sparse(path):
    with path.open("wb") as stream:
        stream.truncate(1 << 40)


def bomb(path):
    from PIL import Image

    Image.new("1", (30_000, 30_000)).save(path)


def link_to_pipe(path):
    os.mkfifo(path.with_suffix(".pipe"))
    path.symlink_to(path.with_suffix(".pipe"))


@pytest.mark.parametrize("make", [pipe, loop, long_loop, zero, folder, sparse, bomb, link_to_pipe])
@pytest.mark.parametrize("place", ["image", "parse"])
def test_a_row_whose_file_is_none_is_set_aside(tmp_path, make, place):
    rows = [row(1), row(2), row(3)]
    write_pictures(tmp_path, rows)
    if place == "parse":
        rows[1]["persons"][0]["parse"] = "img/parse.png"
    path = tmp_path / (rows[1]["image"] if place == "image" else "img/parse.png")
    path.unlink(missing_ok=True)
    make(path)
    found = list(check(ManifestRows(write_manifest(tmp_path, rows))))
    assert [checked.usable for checked in found] == [True, False, True]
    assert all("\n" not in str(fault) for checked in found for fault in checked.faults)


@pytest.mark.parametrize(
    "name", ["x" * 5000 + ".png", "a" + "/b" * 3000, "~nosuchuser/a.png", "img/\ud800.png", "vectors.npy#" + "9" * 5000]
)
def test_a_row_that_names_nothing_is_set_aside(tmp_path, name):
    rows = [row(1), row(2), row(3)]
    write_pictures(tmp_path, rows)
    if "#" in name:
        np.save(tmp_path / "vectors.npy", np.ones((2, 4)))
        rows[1]["persons"][0]["arcface"] = name
    else:
        rows[1]["image"] = name
    assert [checked.usable for checked in check(ManifestRows(write_manifest(tmp_path, rows)))] == [True, False, True]


def test_a_table_of_endless_vectors_is_set_aside(tmp_path):
    rows = [row(1), row(2)]
    write_pictures(tmp_path, rows)
    np.save(tmp_path / "v.npy", np.ones((1, 4)))
    content = (tmp_path / "v.npy").read_bytes().replace(b"(1, 4), }   ", b"(10**9,4)}  ")
    (tmp_path / "v.npy").write_bytes(content.replace(b"(10**9,4)", b"(%d, 4)" % 10**6))
    rows[0]["persons"][0]["arcface"] = "v.npy#0"
    assert [checked.usable for checked in check(ManifestRows(write_manifest(tmp_path, rows)))] == [False, True]


def test_a_line_without_end_is_set_aside(tmp_path):
    rows = [row(1), row(2)]
    write_pictures(tmp_path, rows)
    path = write_manifest(tmp_path, rows)
    first, second = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(first + b'{"id": "' + b"x" * (40 << 20) + b'"}\n' + second)
    source = ManifestRows(path)
    found = list(source.scan())
    assert [parsed.row is not None for _, parsed in found] == [True, False, True]
    assert "more than 16,777,216 bytes" in str(found[1][1].faults[0])
    assert source.row(found[2][0]) == found[2][1].row


@pytest.mark.parametrize("make", [pipe, zero, folder])
def test_a_manifest_that_is_no_file_is_told(tmp_path, make):
    make(tmp_path / "a.jsonl")
    with pytest.raises(MissingModelFileError, match="does not exist"):
        ManifestRows(tmp_path / "a.jsonl")


SIZE = slice(124, 136)  # of a tar header


@pytest.mark.parametrize(
    "field",
    [
        b"\xff" * 12,
        b"\x80" + b"\0" * 10 + b"\xff",
        b"\xff" * 8 + b"\xf0\0\0\0",
        b"77777777777\0",
        b"x" * 12,
        b"-1" + b" " * 10,
    ],
)
@pytest.mark.parametrize("kind", [tarfile.REGTYPE, tarfile.XHDTYPE, tarfile.GNUTYPE_LONGNAME, tarfile.GNUTYPE_SPARSE])
def test_a_size_that_is_none_ends_the_shard_and_not_the_check(tmp_path, field, kind):
    write_shard(tmp_path / "a.tar", [sample(1), sample(2)])
    write_shard(tmp_path / "b.tar", [sample(3)])
    content = bytearray((tmp_path / "a.tar").read_bytes())
    place = next(
        at
        for at in range(512, len(content), 512)
        if content[at : at + 6] == b"000002" and content[at + 257 : at + 262] == b"ustar"
    )
    header = content[place : place + 512]
    header[SIZE], header[156:157], header[148:156] = field, kind, b" " * 8
    header[148:156] = b"%06o\0 " % sum(header)
    content[place : place + 512] = header
    (tmp_path / "a.tar").write_bytes(content)
    found = list(check(ShardRows(["*.tar"], tmp_path)))
    assert found[0].usable
    assert found[-1].usable
    assert all("\n" not in str(fault) for checked in found for fault in checked.faults)


def test_a_picture_of_the_first_kind_is_still_read(tmp_path):
    write_pictures(tmp_path, [row(1)])
    assert ManifestRows(write_manifest(tmp_path, [row(1)])).read(0, "img/000001.png") == png(1)
