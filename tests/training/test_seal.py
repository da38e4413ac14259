"""A checkpoint says itself whether it is whole."""

from __future__ import annotations

import json
import os

import pytest
from likeness.training.seal import MOST_BYTES, PROGRESS, damage, seal, step_of


@pytest.fixture
def folder(tmp_path):
    made = tmp_path / "step-00000012"
    (made / "part").mkdir(parents=True)
    (made / "a").write_bytes(b"first" * 100)
    (made / "part" / "b").write_bytes(b"second" * 100)
    seal(made, 12)
    return made


def test_what_was_sealed_is_whole(folder):
    assert damage(folder) == ""
    assert step_of(folder) == 12


@pytest.mark.parametrize("name", ["a", "part/b", PROGRESS])
@pytest.mark.parametrize("kind", ["flip", "cut", "empty", "grow", "lose", "fifo"])
def test_every_damage_is_named(folder, name, kind):
    path = folder / name
    content = bytearray(path.read_bytes())
    path.unlink()
    if kind == "fifo":
        os.mkfifo(path)
    elif kind != "lose":
        content[len(content) // 2] ^= kind == "flip"
        path.write_bytes({"cut": content[:-3], "empty": b"", "grow": content + b"x"}.get(kind, content))
    assert name in damage(folder)
    assert damage(folder).startswith("it is damaged: ")


@pytest.mark.parametrize(
    "content",
    [
        "",
        "[]",
        "7",
        "null",
        '{"step": 3, "files": {}}',
        '{"step": "x", "files": {}, "sha256": ""}',
        "[" * 100_000,
        "9" * 5000,
    ],
)
def test_a_seal_that_is_none_is_named(folder, content):
    (folder / PROGRESS).write_text(content, encoding="utf-8")
    assert damage(folder) == f"it is damaged: {PROGRESS} is not what was written"
    with pytest.raises(ValueError, match=PROGRESS):
        step_of(folder)


def test_a_seal_of_any_length_is_not_read(folder):
    (folder / PROGRESS).write_bytes(bytes(MOST_BYTES + 1))
    assert "more than 1,000,000 bytes" in damage(folder)


def test_a_checkpoint_under_the_name_of_another_step_is_damaged(folder):
    other = folder.rename(folder.with_name("step-00000013"))
    assert PROGRESS in damage(other)
    assert damage(other.rename(folder.with_name("my-best"))) == ""


def test_a_seal_names_nothing_outside(folder):
    for name in ("../x", "/etc/passwd"):
        said = {"step": 12, "files": {name: "0" * 64}}
        (folder / PROGRESS).write_text(json.dumps({**said, "sha256": "x"}), encoding="utf-8")
        assert PROGRESS in damage(folder)


def test_checkpoints_of_before_are_told_apart(folder):
    (folder / PROGRESS).write_text('{"step": 12}', encoding="utf-8")
    assert damage(folder).startswith("it was written by an older version, with pickles, which could run code")


def test_who_may_not_read_is_told(folder, monkeypatch):
    (folder / "a").chmod(0)
    if os.access(folder / "a", os.R_OK):
        pytest.skip("this user may read everything")
    assert damage(folder) == "it cannot be read: Permission denied"
