"""Sections are read with all faults at once."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import pytest
from likeness.models.config.keys import keys_of
from likeness.models.config.reading import Section, read_keys, read_section, read_toml, refuse, unknown
from likeness.models.config.rules import Pattern
from likeness.models.config.types import Count, File, Folder, NewPath
from likeness.models.errors import ConfigError


@dataclass(frozen=True, slots=True, kw_only=True)
class PairConfig(Section):
    low: Annotated[Count, "the lower end"]
    high: Annotated[Count, "the upper end"] = 9

    def faults(self) -> Iterator[str]:
        if self.low > self.high:
            yield "[pair] low is above high; swap them."


def read(table):
    return read_section("[pair]", PairConfig, table, Path())


def test_a_good_section_is_made():
    assert read({"low": 2}) == (PairConfig(low=2), [])


@pytest.mark.parametrize(
    ("table", "faults"),
    [
        ({}, ["[pair] low is missing; choose a whole number from 1 up."]),
        (3, ["[pair] is 3; write it as a section, with its keys below the line [pair]."]),
        (
            {"low": 0, "hihg": 2},
            [
                '[pair] has "hihg", which is not known; write "high" or remove it.',
                "[pair] low is 0; choose a whole number from 1 up.",
            ],
        ),
    ],
)
def test_all_faults_of_a_section_are_told(table, faults):
    assert read(table) == (None, faults)


def test_what_contradicts_itself_is_told_beside_the_section():
    made, faults = read({"low": 5, "high": 4})
    assert made == PairConfig(low=5, high=4)
    assert faults == ["[pair] low is above high; swap them."]


def test_keys_of_others_are_read_but_not_asked_for():
    low, high = keys_of(PairConfig)
    own, others = {"high": high}, {"low": low}
    assert read_keys("[pair]", {"low": 3}, own, Path(), others=others) == ({"low": 3}, [])
    assert read_keys("[pair]", {}, own, Path(), others=others) == ({}, [])
    assert read_keys("[pair]", {"low": -1}, own, Path(), others=others)[1]


def test_a_file_that_is_no_toml_or_not_there_is_one_sentence(tmp_path):
    with pytest.raises(ConfigError, match=r"cannot be read \(No such file or directory\); name the protocol"):
        read_toml(tmp_path / "none.toml", "protocol")
    (tmp_path / "bad.toml").write_text("a = ", encoding="utf-8")
    with pytest.raises(ConfigError, match="is not a TOML file in UTF-8"):
        read_toml(tmp_path / "bad.toml")


def test_faults_are_counted_and_listed():
    refuse(Path("a.toml"), [])
    with pytest.raises(ConfigError, match=r'^"a.toml" has 1 fault; mend and start again:\nx$'):
        refuse(Path("a.toml"), ["x"])
    with pytest.raises(ConfigError, match=r'^"a.toml" has 2 faults; mend and start again:\nx\ny$'):
        refuse(Path("a.toml"), ["x", "y"])


def test_an_unknown_name_is_told_with_the_nearest_or_with_all():
    assert unknown("[a]", "sede", ["seed", "step"]) == '[a] has "sede", which is not known; write "seed" or remove it.'
    assert unknown("[a]", "q", ["seed", "step"]).endswith("choose among seed, step, or remove it.")


def folded(text):
    def make(path):
        path.write_text(text, encoding="utf-8")

    return make


EXOTIC = {
    "a pipe": (lambda path: os.mkfifo(path), "is no file, but a folder, a pipe or a device"),
    "a device": (lambda path: path.symlink_to("/dev/zero"), "is no file, but a folder, a pipe or a device"),
    "a folder": (lambda path: path.mkdir(), "is no file, but a folder, a pipe or a device"),
    "a loop": (lambda path: path.symlink_to(path), "cannot be read"),
    "deep lists": (folded("a = " + "[" * 5000), "nested too deep|not a TOML file"),
    "deep tables": (folded("a = " + "{a=" * 5000), "nested too deep|not a TOML file"),
    "an endless key": (folded("a." * 200_000 + "a = 1"), "500 dots in a line"),
    "an endless file": (folded("#" * 1_000_001), "has more than 1,000,000 bytes"),
    "an endless number": (folded("a = " + "9" * 5000), "not a TOML file"),
    "no UTF-8": (lambda path: path.write_bytes(b"\xff\xfe"), "not a TOML file in UTF-8"),
}


@pytest.mark.parametrize("kind", EXOTIC)
def test_whatever_lies_there_is_told_in_one_sentence(tmp_path, kind):
    make, reason = EXOTIC[kind]
    make(tmp_path / "a.toml")
    with pytest.raises(ConfigError, match=reason) as refused:
        read_toml(tmp_path / "a.toml")
    assert "\n" not in str(refused.value)
    assert len(str(refused.value)) < 500


@pytest.mark.parametrize("path", ["x" * 5000, "a\0b"])
def test_a_path_that_is_none_is_told(tmp_path, path):
    with pytest.raises(ConfigError):
        read_toml(tmp_path / path)


@dataclass(frozen=True, slots=True, kw_only=True)
class PlacesConfig(Section):
    file: Annotated[File | None, "a file"] = None
    folder: Annotated[Folder | None, "a folder"] = None
    new: Annotated[NewPath | None, "a path"] = None
    pattern: Annotated[str, Pattern(), "a pattern"] = ""


STRANGE = {
    "nobody": "~nosuchuser/a", "long": "x" * 5000, "loop": "loop", "none": "a\0b", "pipe": "pipe", "number": 2**20_000,
    "list": [1] * 10_000,
}  # fmt: skip


@pytest.mark.parametrize("key", ["file", "folder", "new", "pattern"])
@pytest.mark.parametrize("name", STRANGE)
def test_exotic_places_are_one_line(tmp_path, key, name):
    value = STRANGE[name]
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    os.mkfifo(tmp_path / "pipe")
    _, faults = read_section("[places]", PlacesConfig, {key: value}, tmp_path)
    assert len(faults) <= 1
    assert all("\n" not in fault and len(fault) < 700 for fault in faults)
    if key in ("file", "folder") or not isinstance(value, str) or value.startswith("~"):
        assert faults
