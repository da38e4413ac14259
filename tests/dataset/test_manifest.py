"""Rows of a manifest: what they hold, and every fault with its place."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from likeness.dataset.fields import leaves_folder
from likeness.dataset.manifest import PERSON_KEYS, ROW_KEYS, Noun, Row, parse_row
from likeness.tests.training.small_pictures import person, row


def parse(entry: Any):
    text = entry if isinstance(entry, bytes) else json.dumps(entry).encode()
    return parse_row(text, "m.jsonl", 7)


def messages(entry: Any) -> list[str]:
    return [str(fault) for fault in parse(entry).faults]


def test_a_full_row_is_read():
    parsed = parse(
        row(
            1,
            person(score=0.9, yaw=-12, identity="a", parse="parse/1.png", instance="inst/1.png", arcface="emb/1.npy#0"),
            nouns=[{"word": "woman", "span": [2, 7], "person": 0}, {"word": "number", "span": [9, 15]}],
            facial_caption="red hair",
            aes=5.8,
            wm=0.02,
            src="camera",
            licence="CC0",
            sha256="A" * 64,
            split="test",
            human=True,
        )
    )
    assert parsed.faults == ()
    found = parsed.row
    assert isinstance(found, Row)
    assert (found.id, found.width, found.height, found.split) == ("000001", 80, 64, "test")
    assert found.nouns == (Noun("woman", (2, 7), 0), Noun("number", (9, 15), None))
    assert found.sha256 == "a" * 64
    assert (found.aes, found.wm, found.persons[0].score) == (5.8, 0.02, 0.9)
    assert parsed.keys == {*ROW_KEYS, *(f"persons.{key}" for key in PERSON_KEYS)}
    [someone] = found.persons
    assert someone.face == (24, 16, 56, 48)
    assert someone.points is not None
    assert len(someone.points) == 5
    assert (someone.identity, someone.arcface) == ("a", "emb/1.npy#0")


def test_what_a_row_may_leave_out():
    found = parse({"id": "1", "image": "a.png", "w": 8, "h": 8, "caption": ""}).row
    assert found is not None
    assert (found.persons, found.nouns, found.split, found.sha256) == ((), (), "train", None)
    assert (found.aes, found.wm, found.human) == (None, None, None)


@pytest.mark.parametrize(
    ("said", "persons", "shows"),
    [(None, 1, True), (None, 0, False), (True, 0, True), (True, 1, True), (False, 0, False)],
)
def test_a_row_shows_people_if_it_says_so_or_else_names_some(said, persons, shows):
    found = parse({**row(1), "persons": [person()] * persons, "human": said}).row
    assert found is not None
    assert found.shows_people == shows


def test_the_keys_that_are_given_are_told_whatever_they_hold_and_null_gives_nothing():
    parsed = parse({"id": "", "w": 0, "colour": 1, "aes": None, "persons": [{"yaw": 500, "kps": None}, 3]})
    assert parsed.row is None
    assert parsed.keys == {"id", "w", "persons", "persons.yaw"}
    assert parse(b"[]").keys == parse({"persons": 1, "id": None}).keys - {"persons"} == set()


def test_null_is_absent():
    parsed = parse(row(1, person(identity=None, kps=None, face=None), facial_caption=None, split=None))
    assert parsed.faults == ()
    assert parsed.row is not None
    assert parsed.row.persons[0].points is None


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        (b"{", "is not JSON in UTF-8 (Expecting property name"),
        (b"\xff", "is not JSON in UTF-8 ("),
        (b"[" * 100_000, "is not JSON in UTF-8 ("),
        (b'{"id": "\\ud800"}', "is not JSON in UTF-8 ("),
        (b"[1]", "is [1]; write one JSON object per line"),
        ({**row(1), "id": None}, "id is missing; give a text"),
        (row(1, id=" "), "id is ' '; give a text that is not empty"),
        (row(1, id=5), "id is 5; give a text that is not empty"),
        (row(1, w=0), "w is 0; give a whole number of pixels from 1 to 100000"),
        (row(1, h=6.5), "h is 6.5; give a whole number of pixels"),
        (row(1, w=True), "w is True; give a whole number of pixels"),
        (row(1, image="/etc/passwd"), "image is '/etc/passwd'; give a path with / that stays in the manifest's folder"),
        (row(1, image="../a.png"), "image is '../a.png'; give a path with / that stays"),
        (row(1, image="a\\b.png"), "give a path with / that stays"),
        (row(1, image="C:/a.png"), "image is 'C:/a.png'; give a path with / that stays"),
        (row(1, image=""), "image is ''; give a path with / that stays"),
        (row(1, caption=["a"]), "caption is ['a']; give a text"),
        (row(1, aes=11), "aes is 11; give a number from 0 to 10"),
        (row(1, human=1), "human is 1; give true or false"),
        (row(1, human=False), "human is False; persons names 1; remove them, or write true"),
        (row(1, wm="no"), "wm is 'no'; give a number from 0 to 1"),
        (row(1, sha256="abc"), "sha256 is 'abc'; give 64 hexadecimal digits"),
        (row(1, split=""), "split is ''; give a text that is not empty"),
        (row(1, persons="x"), "persons is 'x'; give a list"),
        (row(1, persons=[3]), "persons[0] is 3; give an object"),
        (row(1, person(bbox=None)), "persons[0].bbox is missing; give four numbers"),
        (row(1, person(bbox=[1, 2, 3])), "persons[0].bbox is [1, 2, 3]; give four numbers x0, y0, x1, y1"),
        (row(1, person(bbox=[1, 2, 3, "4"])), "give four numbers x0, y0, x1, y1"),
        (row(1, person(bbox=[5, 2, 5, 9])), "persons[0].bbox is [5, 2, 5, 9]; x0 must be below x1 and y0 below y1"),
        (row(1, person(bbox=[80, 0, 90, 9])), "it lies outside the picture of 80x64 pixels"),
        (row(1, person(face=[0, float("nan"), 1, 1])), "give four numbers x0, y0, x1, y1"),
        (row(1, person(bbox=[0, 0, 10**400, 1])), "give four numbers x0, y0, x1, y1"),
        (row(1, person(kps=[[1, 2]])), "persons[0].kps is [[1, 2]]; give five points [x, y]"),
        (row(1, person(kps=[[1, 2, 3]] * 5)), "give five points [x, y]"),
        (row(1, person(kps=[[1, 2]] * 5)), "give five different points"),
        (row(1, person(score=1.5)), "persons[0].score is 1.5; give a number from 0 to 1"),
        (row(1, person(yaw=181)), "persons[0].yaw is 181; give a number from -180 to 180"),
        (row(1, person(identity="")), "persons[0].identity is ''; give a text that is not empty"),
        (row(1, person(arcface="a.npy")), "persons[0].arcface is 'a.npy'; give a path, \"#\" and the number"),
        (row(1, person(arcface="a.npy#x")), "persons[0].arcface is 'a.npy#x'; give a path, \"#\" and the number"),
        (row(1, person(arcface="../a.npy#1")), "persons[0].arcface is '../a.npy#1'; give a path with /"),
        (row(1, person(), person(parse="/a")), "persons[1].parse is '/a'; give a path with /"),
        (row(1, nouns=[{"word": "woman"}]), "nouns[0].span is None; give [first character, last character + 1]"),
        (row(1, nouns=[{"word": "woman", "span": [7, 2]}]), "nouns[0].span is [7, 2]; give [first character"),
        (
            row(1, nouns=[{"word": "man", "span": [2, 7]}]),
            "nouns[0].span is [2, 7]; the caption holds 'woman' there, not",
        ),
        (row(1, nouns=[{"word": "woman", "span": [2, 70]}]), "nouns[0].span is [2, 70]; the caption holds"),
        (
            row(1, nouns=[{"word": "woman", "span": [2, 7], "person": 1}]),
            "nouns[0].person is 1; the row has 1 persons, counted from 0; name one of them or null",
        ),
    ],
)
def test_an_error_has_its_place_and_costs_the_row(entry, message):
    parsed = parse(entry)
    assert parsed.row is None
    [fault] = [str(fault) for fault in parsed.faults if fault.level == "error"]
    assert fault.startswith("m.jsonl:7: error: ")
    assert message in fault


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        (row(1, captoin="x"), 'm.jsonl:7: warning: captoin is not known; did you mean "caption"?'),
        (row(1, xyz=1), "m.jsonl:7: warning: xyz is not known; it is ignored"),
        (row(1, person(kpts=1)), 'm.jsonl:7: warning: persons[0].kpts is not known; did you mean "kps"?'),
        (
            row(1, person(bbox=[-3, 0, 90, 60])),
            "m.jsonl:7: warning: persons[0].bbox is [-3, 0, 90, 60], which leaves the picture of 80x64 pixels",
        ),
    ],
)
def test_a_warning_costs_nothing(entry, message):
    parsed = parse(entry)
    assert parsed.row is not None
    assert [str(fault) for fault in parsed.faults] == [message]


def test_all_faults_of_a_row_come_at_once():
    found = messages(row(1, person(score=2), person(yaw=999), aes=-1, image="/x", colour="red"))
    assert [line.split(": ", 2)[2].split(" ")[0] for line in found] == [
        "colour",
        "image",
        "persons[0].score",
        "persons[1].yaw",
        "aes",
    ]


def test_a_byte_order_mark_is_passed_over():
    assert parse(b"\xef\xbb\xbf" + json.dumps(row(1)).encode()).row is not None


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=6) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=8,
)


@given(name=st.sampled_from([*row(1), "nouns", "sha256", "split", "aes"]), value=JSON)
def test_no_value_of_a_field_ends_the_reading(name, value):
    parsed = parse({**row(1), name: value})
    assert (parsed.row is None) == any(fault.level == "error" for fault in parsed.faults)


@given(name=st.sampled_from(["bbox", "face", "kps", "score", "identity", "parse", "arcface"]), value=JSON)
def test_no_value_of_a_person_ends_the_reading(name, value):
    parsed = parse(row(1, person(**{name: value})))
    assert (parsed.row is None) == any(fault.level == "error" for fault in parsed.faults)


@given(text=st.binary(max_size=40))
def test_no_line_ends_the_reading(text):
    assert parse(text).row is None


@given(path=st.text(alphabet="a./\\:#", max_size=8))
def test_a_path_that_is_let_in_stays_inside(path, tmp_path_factory):
    folder = tmp_path_factory.getbasetemp()
    if not leaves_folder(path):
        inside = (folder / path).resolve()
        assert inside.is_relative_to(folder.resolve())
        assert inside != folder.resolve()
