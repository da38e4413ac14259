"""Rules: what each takes, as what, and how it says so."""

from __future__ import annotations

import glob
import math
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from likeness.models.config.rules import (
    Choice,
    Either,
    FileName,
    Flag,
    Location,
    Many,
    Number,
    Pattern,
    Rule,
    Table,
    Text,
)

SOMEWHERE = Path("/somewhere")


@pytest.mark.parametrize(
    ("rule", "wanted"),
    [
        (Number(), "a number from -inf up"),
        (Number(0, above=True), "a number above 0"),
        (Number(0, 1), "a number from 0 to 1"),
        (Number(0, 1, below=True), "a number from 0 and below 1"),
        (Number(0, 1, above=True), "a number above 0 and to 1"),
        (Number(1, whole=True), "a whole number from 1 up"),
        (Number(64, 128, whole=True, step=64), "a whole number divisible by 64 from 64 to 128"),
        (Choice(("a", "b")), 'one of "a", "b"'),
        (Location("file"), "the path of a file that exists"),
        (Location(""), "a path"),
        (Either(("auto", "none"), Location("folder")), '"auto" or "none" or the path of a folder that exists'),
        (Many(Number(0, 1), 2, ascending=True), "a list of 2 entries, each a number from 0 to 1, the smaller first"),
        (Many(Text()), "a list of any length, each a text in quotes"),
        (Table(Number(0)), "a table of names, behind each a number from 0 up"),
    ],
)
def test_a_rule_says_what_it_takes(rule, wanted):
    assert isinstance(rule, Rule)
    assert rule.wanted == wanted


@pytest.mark.parametrize(
    ("rule", "value", "taken"),
    [
        (Number(0), 1, 1.0),
        (Number(0, whole=True), 1, 1),
        (Number(0, whole=True, step=64), 128, 128),
        (Choice(("a", "b")), "b", "b"),
        (Text(), " a ", " a "),
        (Flag(), False, False),
        (FileName(), "a.b", "a.b"),
        (Location(""), "a", SOMEWHERE / "a"),
        (Location(""), "../a", Path("/a")),
        (Pattern(), "/b/*.tar", "/b/*.tar"),
        (Either(("none",), Location("")), "none", "none"),
        (Either(("none",), Location("")), "a", SOMEWHERE / "a"),
        (Many(Number(0)), [], ()),
        (Table(Number(0)), {"a": 1}, {"a": 1.0}),
        (Table(Text()), {}, {}),
        (Many(Number(0), 2, ascending=True), [1, 1], (1.0, 1.0)),
    ],
)
def test_a_value_is_taken_as_the_program_uses_it(rule, value, taken):
    read = rule.read(value, SOMEWHERE)
    assert (read, type(read)) == (taken, type(taken))


@pytest.mark.parametrize(
    ("rule", "value"),
    [
        (Number(0), math.nan),
        (Number(0), math.inf),
        (Number(0), True),
        (Number(0), "1"),
        (Number(0, whole=True), 1.0),
        (Number(0, whole=True, step=64), 65),
        (Choice(("a",)), "b"),
        (Text(), "  "),
        (Flag(), 1),
        (FileName(), "a/b"),
        (FileName(), "a\\b"),
        (FileName(), ".."),
        (FileName(), ""),
        (Location(""), " "),
        (Location(""), 3),
        (Pattern(), ""),
        (Either(("none",), Location("")), " "),
        (Many(Number(0), 2), [1]),
        (Many(Number(0)), "12"),
        (Table(Number(0)), [1]),
        (Table(Number(0)), {"a": -1}),
        (Many(Number(0)), [1, -1]),
        (Many(Number(0), 2, ascending=True), [2, 1]),
    ],
)
def test_anything_else_is_refused(rule, value):
    with pytest.raises(ValueError, match=r"^$"):
        rule.read(value, SOMEWHERE)


@pytest.mark.parametrize("exists", ["file", "folder"])
def test_what_has_to_be_there_is_named_in_full_where_it_is_not(tmp_path, exists):
    (tmp_path / "file").touch()
    (tmp_path / "folder").mkdir()
    rule, other = Location(exists), {"file": "folder", "folder": "file"}[exists]
    assert rule.read(exists, tmp_path) == tmp_path / exists
    with pytest.raises(ValueError, match=f"^there is no such {exists}: {tmp_path / other}$"):
        rule.read(other, tmp_path)


def test_the_folder_of_a_pattern_means_nothing_but_itself(tmp_path):
    folder = tmp_path / "a[1]*"
    assert Pattern().read("b-{0..1}.tar", folder) == f"{glob.escape(str(folder))}/b-{{0..1}}.tar"


@given(value=st.one_of(st.integers(), st.floats(), st.booleans(), st.text(max_size=3)))
def test_a_number_is_taken_exactly_where_it_lies_in_the_range(value):
    rule = Number(0, 1, below=True)
    good = isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value < 1
    try:
        assert rule.read(value, SOMEWHERE) == value
        assert good
    except ValueError:
        assert not good


@given(text=st.text(alphabet="ab./-", min_size=1, max_size=8).filter(str.strip))
def test_a_location_is_always_absolute(text):
    assert Location("").read(text, SOMEWHERE).is_absolute()
