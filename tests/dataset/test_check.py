"""Every fault of the files that rows name is found, and costs its own row alone, whatever the files hold."""

from __future__ import annotations

import hashlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from likeness.dataset.check import check
from likeness.dataset.rows import ManifestRows
from likeness.tests.training.small_pictures import (
    class_map,
    encode,
    person,
    png,
    row,
    vector,
    write_manifest,
    write_pictures,
)
from PIL import Image


@pytest.mark.parametrize(
    ("someone", "files", "message"),
    [
        (
            {},
            {"img/000001.png": None},
            "image img/000001.png cannot be read (it does not exist); put it there or remove",
        ),
        ({}, {"img/000001.png": b""}, "image img/000001.png is empty (0 bytes); write it again"),
        (
            {},
            {"img/000001.png": b"no picture"},
            "image img/000001.png cannot be decoded (no picture that Pillow knows)",
        ),
        ({}, {"img/000001.png": png(1)[:-60]}, "image img/000001.png cannot be decoded ("),
        ({}, {"img/000001.png": png(1, (64, 64))}, "w and h are 80 and 64, but img/000001.png has 64x64 pixels"),
        ({"parse": "p.png"}, {}, "persons[0].parse p.png cannot be read (it does not exist)"),
        ({"parse": "p.png"}, {"p.png": b""}, "persons[0].parse p.png is empty (0 bytes); write it again"),
        ({"parse": "p.png"}, {"p.png": class_map()[:50]}, "persons[0].parse p.png cannot be decoded ("),
        ({"parse": "p.png"}, {"p.png": png(1)}, "persons[0].parse p.png has mode RGB; save it as an 8-bit"),
        (
            {"parse": "p.png"},
            {"p.png": class_map(16)},
            "persons[0].parse p.png holds class 16; classes go from 0 to 15",
        ),
        ({"parse": "p.png"}, {"p.png": class_map(3, (64, 64))}, "p.png has 64x64 pixels, but the picture has 80x64"),
        ({"instance": "i.png"}, {"i.png": b""}, "persons[0].instance i.png is empty (0 bytes)"),
        ({"arcface": "e.npy#0"}, {}, "persons[0].arcface e.npy cannot be read (it does not exist)"),
        ({"arcface": "e.npy#0"}, {"e.npy": b"xx"}, "persons[0].arcface e.npy cannot be read ("),
        ({"arcface": "e.npy#2"}, {"e.npy": vector()}, 'arcface is "e.npy#2", but e.npy has 2 rows, counted from 0'),
        ({"arcface": "e.npy#0"}, {"e.npy": vector(fill=0)}, "which is 0 everywhere or not finite"),
    ],
)
def test_a_broken_file_costs_its_row_and_no_other(tmp_path, someone, files, message):
    rows = [row(1, person(**someone)), row(2)]
    write_pictures(tmp_path, rows)
    for name, content in files.items():
        (tmp_path / name).unlink(missing_ok=True)
        if content is not None:
            (tmp_path / name).write_bytes(content)
    broken, whole = check(ManifestRows(write_manifest(tmp_path, rows)))
    [fault] = broken.faults
    assert str(fault).startswith("manifest.jsonl:1: error: ")
    assert message in str(fault)
    assert (broken.usable, broken.row) == (False, None)
    assert (whole.usable, whole.faults) == (True, ())
    assert whole.row is not None
    assert "persons.kps" in whole.keys & broken.keys


@pytest.mark.parametrize(
    ("someone", "message"),
    [
        ({"parse": "p.png"}, "persons[0].parse p.png is 0 everywhere, so it marks nothing"),
        ({"kps": [[-1, 2], [3, 2], [2, 4], [1, 5], [3, 5]]}, "persons[0].kps has 1 of 5 points outside the picture"),
    ],
)
def test_a_doubtful_file_is_only_warned_of(tmp_path, someone, message):
    rows = [row(1, person(**someone))]
    write_pictures(tmp_path, rows)
    (tmp_path / "p.png").write_bytes(class_map(0))
    [checked] = check(ManifestRows(write_manifest(tmp_path, rows)))
    [fault] = checked.faults
    assert str(fault).startswith("manifest.jsonl:1: warning: ")
    assert message in str(fault)
    assert checked.usable


def test_a_digest_that_is_not_the_pictures_is_an_error(tmp_path):
    rows = [row(1, sha256="0" * 64)]
    write_pictures(tmp_path, rows)
    [checked] = check(ManifestRows(write_manifest(tmp_path, rows)))
    [fault] = map(str, checked.faults)
    assert not checked.usable
    assert f"sha256 is {'0' * 64}, but that of img/000001.png is {hashlib.sha256(png(1)).hexdigest()}" in fault


def test_the_same_picture_is_found_without_a_digest(tmp_path):
    rows = [row(1), row(2, image="img/000001.png"), row(3)]
    write_pictures(tmp_path, [rows[0], rows[2]])
    found = list(check(ManifestRows(write_manifest(tmp_path, rows))))
    assert [str(fault) for checked in found for fault in checked.faults] == [
        "manifest.jsonl:2: error: image is the picture of manifest.jsonl:1 again; remove one of the two rows"
    ]
    assert [checked.usable for checked in found] == [True, False, True]


def test_a_turned_photo_counts_as_the_viewer_sees_it(tmp_path):
    stream = tmp_path / "a.jpg"
    exif = Image.Exif()
    exif[0x0112] = 6  # turned by 90 degrees
    Image.new("RGB", (64, 80)).save(stream, exif=exif)
    [checked] = check(ManifestRows(write_manifest(tmp_path, [row(1, image="a.jpg")])))
    assert checked.faults == ()


def test_more_rows_than_are_opened_at_once_keep_their_order(tmp_path):
    (tmp_path / "a.png").write_bytes(encode(Image.new("RGB", (8, 8))))
    rows = [row(n, image="a.png" if n == 0 else "no.png", w=8, h=8, persons=[]) for n in range(600)]
    found = check(ManifestRows(write_manifest(tmp_path, rows)))
    assert [fault.line for checked in found for fault in checked.faults] == list(range(2, 601))


@settings(max_examples=30, deadline=None)
@given(content=st.binary(max_size=60), cut=st.integers(0, 400), name=st.sampled_from(["img", "parse", "arcface"]))
def test_no_file_ends_the_check(tmp_path_factory, content, cut, name):
    folder = tmp_path_factory.mktemp("data")
    broken = {"img": png(1), "parse": class_map(), "arcface": vector()}[name][:cut] + content
    files = {"img/000001.png": png(1), "parse": class_map(), "arcface": vector()}
    files["img/000001.png" if name == "img" else name] = broken
    for path, data in files.items():
        (folder / path).parent.mkdir(exist_ok=True)
        (folder / path).write_bytes(data)
    rows = [row(1, person(parse="parse", arcface="arcface#0")), row(2, id="b", image="img/000001.png")]
    assert len(list(check(ManifestRows(write_manifest(folder, rows))))) == 2
