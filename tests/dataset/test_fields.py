"""Fields are read one by one; what is wrong is noted with its place, and reading goes on."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from likeness.dataset.fields import Fault, Fields, is_number, leaves_folder, quoted


def read(value, reader, *given, **options):
    """What a reader makes of the field "x", and what it notes."""
    noted = []
    fields = Fields({"x": value}, "row.", lambda *fault: noted.append(fault))
    return getattr(fields, reader)("x", *given, **options), noted


POINTS = [[1, 2], [3, 2], [2, 4], [1, 5], [3, 5]]


@pytest.mark.parametrize(
    ("value", "reader", "given", "expected"),
    [
        ("a", "text", (), "a"),
        (2, "number", (0, 2), 2.0),
        (7, "size", (), 7),
        ("a/b.png", "path", (), "a/b.png"),
        ([0, 1, 2, 3.5], "box", ((4, 4),), (0.0, 1.0, 2.0, 3.5)),
        (POINTS, "points", (), tuple((float(x), float(y)) for x, y in POINTS)),
        ([{"a": 1}, {}], "objects", (), [(0, {"a": 1}), (1, {})]),
    ],
)
def test_a_good_field_is_read_and_nothing_noted(value, reader, given, expected):
    found, noted = read(value, reader, *given)
    assert (found, type(found), noted) == (expected, type(expected), [])


@pytest.mark.parametrize(
    ("value", "reader", "given", "text"),
    [
        (3, "text", (), "is 3; give a text"),
        (3, "number", (0, 2), "is 3; give a number from 0 to 2"),
        (True, "number", (0, 2), "is True; give a number from 0 to 2"),
        (0, "size", (), "is 0; give a whole number of pixels from 1 to 100000"),
        ("../a", "path", (), "is '../a'; give a path with / that stays in the manifest's folder"),
        ([0, 1, 2], "box", ((4, 4),), "is [0, 1, 2]; give four numbers x0, y0, x1, y1"),
        ([2, 0, 1, 1], "box", ((4, 4),), "is [2, 0, 1, 1]; x0 must be below x1 and y0 below y1"),
        ([5, 0, 6, 1], "box", ((4, 4),), "is [5, 0, 6, 1]; it lies outside the picture of 4x4 pixels"),
        (POINTS[:4], "points", (), f"is {POINTS[:4]}; give five points [x, y]: eyes, nose, corners of the mouth"),
        (POINTS[:4] + POINTS[:1], "points", (), f"is {POINTS[:4] + POINTS[:1]}; give five different points"),
    ],
)
def test_a_wrong_field_is_none_and_noted_with_its_place(value, reader, given, text):
    assert read(value, reader, *given) == (None, [("error", "row.x", text)])


def test_a_box_may_leave_the_picture_with_a_warning():
    box, [(level, place, text)] = read([-1, 0, 2, 2], "box", (4, 4))
    assert box == (-1.0, 0.0, 2.0, 2.0)
    assert (level, place) == ("warning", "row.x")
    assert text == "is [-1, 0, 2, 2], which leaves the picture of 4x4 pixels"


def test_what_is_absent_is_an_error_only_where_it_is_required():
    assert read(None, "text") == (None, [])
    assert read(None, "text", required=True) == (None, [("error", "row.x", "is missing; give a text")])
    assert read(" ", "text", empty=False)[1] == [("error", "row.x", "is ' '; give a text that is not empty")]


@pytest.mark.parametrize("value", ["e.npy", "e.npy#", "e.npy#-1", "e.npy#²", "#3"])
def test_a_row_of_a_table_is_a_path_and_a_number(value):
    assert read("e.npy#3", "path", index=True) == ("e.npy#3", [])
    found, noted = read(value, "path", index=True)
    assert (found, len(noted)) == (None, 1)


def test_wrong_entries_of_a_list_are_left_out_and_the_others_keep_their_places():
    assert read([{}, 3, {}], "objects") == ([(0, {}), (2, {})], [("error", "row.x[1]", "is 3; give an object")])


def test_fields_that_nobody_reads_are_warned_of():
    noted = []
    Fields({"captoin": 1, "zzz": 2, "id": 3}, "", lambda *fault: noted.append(fault)).only(["caption", "id"])
    assert noted == [
        ("warning", "captoin", 'is not known; did you mean "caption"?'),
        ("warning", "zzz", "is not known; it is ignored"),
    ]


@pytest.mark.parametrize("path", ["", "/a", "../a", "a/../../b", "a\\b", "c:a", "a\0"])
def test_a_path_that_leaves_its_folder_is_known(path):
    assert leaves_folder(path)
    assert not leaves_folder("a/b.png")


@given(value=st.one_of(st.integers(), st.floats(), st.booleans(), st.text()))
def test_a_number_fits_a_float_exactly_or_is_none(value):
    if is_number(value):
        assert math.isfinite(float(value))
        assert isinstance(value, float) or int(float(value)) == value
    else:
        assert isinstance(value, str | bool) or not math.isfinite(value) or abs(value) >= 2**53


@pytest.mark.parametrize(("place", "shown"), [("", "a:3: error: is bad"), ("w", "a:3: error: w is bad")])
def test_a_fault_is_one_line(place, shown):
    assert str(Fault("a", 3, "error", place, "is bad")) == shown


def test_a_long_value_is_quoted_in_part():
    assert quoted("ab") == "'ab'"
    assert (len(quoted("a" * 99)), quoted("a" * 99)[-3:]) == (60, "...")
