"""The validator command: faults as lines or as one object, a count of usable rows, and an exit status."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys

from likeness.dataset.check_command import main, report
from likeness.dataset.rows import ManifestRows
from likeness.tests.training.small_pictures import (
    class_map,
    person,
    png,
    row,
    sample,
    vector,
    write_manifest,
    write_pictures,
    write_shard,
)


def run(capsys, *arguments) -> tuple[int, list[str]]:
    code = main([str(argument) for argument in arguments])
    return code, capsys.readouterr().out.splitlines()


def test_a_good_manifest_has_nothing_to_say(tmp_path, capsys):
    someone = person(parse="parse.png", instance="inst.png", arcface="emb.npy#1", identity="ann")
    rows = [row(1, someone, sha256=hashlib.sha256(png(1)).hexdigest()), row(2)]
    write_pictures(tmp_path, rows)
    for name, content in (("parse.png", class_map(15)), ("inst.png", class_map(255)), ("emb.npy", vector())):
        (tmp_path / name).write_bytes(content)
    path = write_manifest(tmp_path, rows)
    unread = f"{path}: not read by any method: persons.instance (of 1 rows), persons.arcface (of 1 rows)"
    assert run(capsys, path) == (0, [unread, f"{path}: 2 of 2 rows usable; 0 errors, 0 warnings"])


def test_keys_that_the_reader_passes_over_are_told_and_so_are_the_rows(tmp_path, capsys):
    rows = [
        row(1, person(yaw=3, score=0.5), aes=6),
        row(2, person(), person(yaw=1), aes=4, src="x"),
        row(3, w=0, aes=1),
    ]
    write_pictures(tmp_path, rows)
    source = ManifestRows(write_manifest(tmp_path, rows))

    def refusal(read):
        return "too plain" if read.aes < 5 else ""

    asked = {"reader": "somebody", "unread": ("persons.yaw", "wm", "src"), "refusal": refusal}
    assert report(source, "it", **asked) == 0
    _, *told = capsys.readouterr().out.splitlines()
    assert told == [
        "it: not read by somebody: persons.yaw (of 2 rows), src (of 1 rows)",
        "it: 2 of 3 rows usable; 1 errors, 0 warnings",
        "it: somebody trains on 1 of them; passed over: 1 too plain",
    ]
    assert report(source, "it", **asked, as_json=True) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["passed_over"] == {"too plain": 1}
    assert found["not_read"] == {"by": "somebody", "keys": {"persons.yaw": 2, "src": 1}}
    assert report(source, "it", refusal=lambda read: "in no way") == 1


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
