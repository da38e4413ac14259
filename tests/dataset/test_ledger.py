"""Of rows that do not go together the first stays."""

from __future__ import annotations

import json

from likeness.dataset.ledger import Ledger
from likeness.dataset.manifest import parse_row
from likeness.tests.training.small_pictures import person, row


def admit(*rows):
    """What a ledger says of rows that come one after the other."""
    ledger = Ledger()
    return [
        ledger.admit(parse_row(json.dumps(entry).encode(), "manifest.jsonl", number + 1))
        for number, entry in enumerate(rows)
    ]


def errors(*rows):
    return [str(fault) for parsed in admit(*rows) for fault in parsed.faults if fault.level == "error"]


def usable(*rows):
    return [parsed.row.id for parsed in admit(*rows) if parsed.row]


def test_the_second_of_two_rows_with_one_name_goes():
    rows = [row(1), row(2), row(1, image="img/x.png")]
    assert errors(*rows) == [
        'manifest.jsonl:3: error: id is "000001", as in manifest.jsonl:1; give every row a name of its own'
    ]
    assert usable(*rows) == ["000001", "000002"]


def test_the_second_of_two_rows_with_one_picture_goes():
    assert errors(row(1, sha256="a" * 64), row(2, sha256="A" * 64, split="test")) == [
        "manifest.jsonl:2: error: sha256 is the picture of manifest.jsonl:1 again; remove one of the two rows"
    ]


def test_nobody_is_in_two_splits():
    rows = [
        row(1, person(identity="ann")),
        row(2, person(identity="bob"), split="test"),
        row(3, person(identity="ann"), split="test"),
        row(4, person(identity="cy"), person(identity="bob")),
        row(5, person(identity="ann")),
        row(6, person(identity="cy"), split="test"),
    ]
    found = errors(*rows)
    assert found[0] == (
        'manifest.jsonl:3: error: persons[0].identity is "ann", who is in split "train" (manifest.jsonl:1), '
        'but this row is in "test"; keep a person in one split'
    )
    assert found[1].startswith('manifest.jsonl:4: error: persons[1].identity is "bob"')
    # The row that went takes its other people with it: nobody has seen cy before row 6.
    assert usable(*rows) == ["000001", "000002", "000005", "000006"]


def test_a_person_without_a_name_may_be_anywhere():
    assert errors(row(1), row(2, split="test")) == []


def test_a_row_with_errors_takes_no_name():
    assert errors(row(1, w=0), row(1)) == [
        "manifest.jsonl:1: error: w is 0; give a whole number of pixels from 1 to 100000"
    ]
