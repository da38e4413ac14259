"""The validator command: every fault of the files that rows name, and a count of usable rows, whatever they hold."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from likeness.dataset.check import check
from likeness.dataset.check_command import main
from likeness.dataset.rows import ManifestRows
from likeness.tests.training.small_pictures import (
    class_map,
    encode,
    person,
    png,
    row,
    sample,
    write_manifest,
    write_pictures,
    write_shard,
)
from PIL import Image


def run(capsys, *arguments) -> tuple[int, list[str]]:
    code = main([str(argument) for argument in arguments])
    return code, capsys.readouterr().out.splitlines()


def vector(rows: int = 2, fill: float = 1) -> bytes:
    import io

    stream = io.BytesIO()
    np.save(stream, np.full((rows, 4), fill, np.float32))
    return stream.getvalue()


def test_a_good_manifest_has_nothing_to_say(tmp_path, capsys):
    someone = person(parse="parse.png", instance="inst.png", arcface="emb.npy#1", identity="ann")
    rows = [row(1, someone, sha256=hashlib.sha256(png(1)).hexdigest()), row(2)]
    write_pictures(tmp_path, rows)
    for name, content in (("parse.png", class_map(15)), ("inst.png", class_map(255)), ("emb.npy", vector())):
        (tmp_path / name).write_bytes(content)
    path = write_manifest(tmp_path, rows)
    assert run(capsys, path) == (0, [f"{path}: 2 of 2 rows usable; 0 errors, 0 warnings"])


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
def test_a_broken_file_costs_its_row_and_no_other(tmp_path, capsys, someone, files, message):
    rows = [row(1, person(**someone)), row(2)]
    write_pictures(tmp_path, rows)
    for name, content in files.items():
        (tmp_path / name).unlink(missing_ok=True)
        if content is not None:
            (tmp_path / name).write_bytes(content)
    path = write_manifest(tmp_path, rows)
    code, [fault, summary] = run(capsys, path)
    assert fault.startswith("manifest.jsonl:1: error: ")
    assert message in fault
    assert (code, summary) == (0, f"{path}: 1 of 2 rows usable; 1 errors, 0 warnings")


@pytest.mark.parametrize(
    ("someone", "message"),
    [
        ({"parse": "p.png"}, "persons[0].parse p.png is 0 everywhere, so it marks nothing"),
        ({"kps": [[-1, 2], [3, 2], [2, 4], [1, 5], [3, 5]]}, "persons[0].kps has 1 of 5 points outside the picture"),
    ],
)
def test_a_doubtful_file_is_only_warned_of(tmp_path, capsys, someone, message):
    rows = [row(1, person(**someone))]
    write_pictures(tmp_path, rows)
    (tmp_path / "p.png").write_bytes(class_map(0))
    _, [fault, summary] = run(capsys, write_manifest(tmp_path, rows))
    assert fault.startswith("manifest.jsonl:1: warning: ")
    assert message in fault
    assert "1 of 1 rows usable; 0 errors, 1 warnings" in summary


def test_a_digest_that_is_not_the_pictures_is_an_error(tmp_path, capsys):
    rows = [row(1, sha256="0" * 64)]
    write_pictures(tmp_path, rows)
    code, [fault, _] = run(capsys, write_manifest(tmp_path, rows))
    assert code == 1
    assert f"sha256 is {'0' * 64}, but that of img/000001.png is {hashlib.sha256(png(1)).hexdigest()}" in fault


def test_the_same_picture_is_found_without_a_digest(tmp_path, capsys):
    rows = [row(1), row(2, image="img/000001.png"), row(3)]
    write_pictures(tmp_path, [rows[0], rows[2]])
    _, [fault, summary] = run(capsys, write_manifest(tmp_path, rows))
    assert fault == (
        "manifest.jsonl:2: error: image is the picture of manifest.jsonl:1 again; remove one of the two rows"
    )
    assert "2 of 3 rows usable" in summary


def test_a_turned_photo_counts_as_the_viewer_sees_it(tmp_path, capsys):
    stream = tmp_path / "a.jpg"
    exif = Image.Exif()
    exif[0x0112] = 6  # turned by 90 degrees
    Image.new("RGB", (64, 80)).save(stream, exif=exif)
    _, lines = run(capsys, write_manifest(tmp_path, [row(1, image="a.jpg")]))
    assert len(lines) == 1


def test_machines_get_one_object(tmp_path, capsys):
    rows = [row(1), row(2, colour=1), row(3, w=0)]
    write_pictures(tmp_path, rows)
    assert main([str(write_manifest(tmp_path, rows)), "--json"]) == 0
    report = json.loads(capsys.readouterr().out)
    assert {name: report[name] for name in ("rows", "usable", "errors", "warnings")} == {
        "rows": 3,
        "usable": 2,
        "errors": 1,
        "warnings": 1,
    }
    assert report["faults"][1] == {
        "file": "manifest.jsonl",
        "line": 3,
        "level": "error",
        "place": "w",
        "text": "is 0; give a whole number of pixels from 1 to 100000",
    }


def test_shards_are_checked_too(tmp_path, capsys):
    bad = sample(2)
    bad["000002.png"] = b""
    write_shard(tmp_path / "a-0.tar", [sample(1), bad])
    write_shard(tmp_path / "a-1.tar", [sample(3)])
    code, [fault, summary] = run(capsys, tmp_path / "a-{0..1}.tar")
    assert (code, fault) == (0, "a-0.tar:2: error: image 000002.png is empty (0 bytes); write it again")
    assert "2 of 3 rows usable" in summary


def test_more_rows_than_are_opened_at_once_keep_their_order(tmp_path, capsys):
    (tmp_path / "a.png").write_bytes(encode(Image.new("RGB", (8, 8))))
    rows = [row(n, image="a.png" if n == 0 else "no.png", w=8, h=8, persons=[]) for n in range(600)]
    _, lines = run(capsys, write_manifest(tmp_path, rows))
    assert [int(line.split(":")[1]) for line in lines[:-1]] == list(range(2, 601))


def test_nothing_to_train_on_is_told_by_the_exit_status(tmp_path, capsys):
    assert run(capsys, write_manifest(tmp_path, [])) == (
        1,
        [f"{tmp_path}/manifest.jsonl: 0 of 0 rows usable; 0 errors, 0 warnings"],
    )
    assert main([str(tmp_path / "none.jsonl")]) == 1
    assert "does not exist" in capsys.readouterr().err


def test_the_command_runs_from_anywhere_and_asks_no_hub(tmp_path):
    rows = [row(1), row(2)]
    write_pictures(tmp_path, rows[:1])
    write_manifest(tmp_path, rows)
    done = subprocess.run(
        [sys.executable, "-m", "likeness.dataset.check_command", "manifest.jsonl"],
        capture_output=True,
        text=True,
        check=False,
        cwd=tmp_path,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1] == "manifest.jsonl: 1 of 2 rows usable; 1 errors, 0 warnings"


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
