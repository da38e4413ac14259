"""The right rows are trained on, and it is said why others are not."""

from __future__ import annotations

import json
import logging

import pytest
from likeness.dataset.manifest import parse_row
from likeness.dataset.rows import ManifestRows
from likeness.models.errors import InvalidSettingError
from likeness.tests.training.small_dataset import ONE, dataset, epoch
from likeness.tests.training.small_pictures import (
    person,
    row,
    write_manifest,
)
from likeness.training.batches.index import Wanted, find_shown, frame_row, index_rows


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        (ONE, {"000001"}),
        (Wanted(split="train", size=64, fewest=1, most=2), {"000001", "000002"}),
        (Wanted(split="train", size=64, fewest=2, most=4), {"000002"}),
        (Wanted(split="train", size=64, fewest=0, most=0), {"000005"}),
        (Wanted(split="test", size=64, fewest=1, most=1), {"000003"}),
    ],
)
def test_rows_are_chosen_by_split_and_people(tmp_path, wanted, expected):
    rows = [
        row(1),
        row(2, person(8, 16, 24), person(44, 16, 24)),
        row(3, split="test"),
        row(4, person(kps=None)),
        {**row(5), "persons": []},
        row(6, w=0),
    ]
    data = dataset(tmp_path, rows, wanted)
    assert {example.row_id for example in epoch(data)} == expected


def test_pictures_without_people_are_taken_and_those_of_people_without_a_face_are_not(tmp_path):
    rows = [
        row(1),
        {**row(2), "persons": []},
        {**row(3), "persons": [], "human": False},
        {**row(4), "persons": [], "human": True},
        row(5, person(kps=None)),
    ]
    wanted = Wanted(split="train", size=64, fewest=0, most=1)
    index = index_rows(ManifestRows(write_manifest(tmp_path, rows)), wanted)
    assert len(index.numbers) == 3
    assert index.passed_over == {"with people of whom nobody has face points in the frame": 2}


@pytest.mark.parametrize(
    ("asked", "kept", "passed_over"),
    [
        ({}, {1, 2, 3}, {}),
        ({"min_aes": 5.0}, {1}, {"with aes below 5": 1, "without aes": 1}),
        ({"max_wm": 0.5}, {1, 3}, {"with wm above 0.5": 1}),
        ({"min_score": 0.8}, {1, 2}, {"with a score below 0.8": 1}),
        ({"min_score": 0.95}, {2}, {"with a score below 0.95": 2}),
        ({"min_aes": 4.5, "max_wm": 0.1}, {1}, {"with wm above 0.1": 1, "without aes": 1}),
    ],
)
def test_rows_that_are_not_good_enough_are_passed_over_and_counted(tmp_path, caplog, asked, kept, passed_over):
    faceless = person(44, 16, 24, kps=None, score=0.1)
    rows = [
        row(1, person(score=0.9), aes=5, wm=0.5 if "min_aes" not in asked else 0.1),
        row(2, person(8, 16, 24, score=1), faceless, aes=4.9, wm=0.6),
        row(3, person(score=0.2), wm=0),
    ]
    wanted = Wanted(split="train", size=64, fewest=1, most=2, **asked)
    with caplog.at_level(logging.INFO):
        index = index_rows(ManifestRows(write_manifest(tmp_path, rows)), wanted)
    assert len(index.numbers) == len(kept)
    assert index.passed_over == passed_over
    source = ManifestRows(tmp_path / "manifest.jsonl")
    assert {int(source.row(number).id) for number in index.numbers} == kept
    for reason, count in passed_over.items():
        assert f"{count} {reason}" in caplog.text


def test_face_points_without_a_score_are_not_sure_enough(tmp_path):
    wanted = Wanted(split="train", size=64, fewest=1, most=1, min_score=0.0)
    with pytest.raises(InvalidSettingError, match="1 with face points without score"):
        index_rows(ManifestRows(write_manifest(tmp_path, [row(1)])), wanted)


def test_somebody_outside_the_frame_is_not_counted(tmp_path):
    """Of a picture 80 wide, the frame shows 64: people at both ends do not fit together."""
    two = Wanted(split="train", size=64, fewest=2, most=2)
    rows = [row(1, person(0, 4, 8), person(72, 4, 8)), row(2, person(20, 4, 8), person(50, 4, 8))]
    data = dataset(tmp_path, rows, two)
    assert [example.row_id for example in epoch(data)] == ["000002"]
    with pytest.raises(InvalidSettingError, match="1 with fewer than 2 people with face points in the frame"):
        dataset(tmp_path, rows[:1], two)


def test_nothing_to_train_on_says_what_was_passed_over(tmp_path):
    rows = [row(1, split="test"), row(2, w=0), row(3, person(), person())]
    with pytest.raises(InvalidSettingError) as caught:
        dataset(tmp_path, rows)
    for part in ('1 in another split than "train"', "1 with errors", "1 with more than 1 people"):
        assert part in str(caught.value)


def test_rows_with_errors_are_logged_with_their_line(tmp_path, caplog):
    with caplog.at_level(logging.INFO):
        dataset(tmp_path, [row(1), row(2, aes=99), row(1)])
    assert "manifest.jsonl:2: error: aes is 99; give a number from 0 to 10" in caplog.text
    assert "manifest.jsonl:3: error: id is" in caplog.text
    assert "1 rows to train on; passed over: 2 with errors" in caplog.text


def test_rows_without_a_noun_are_counted(tmp_path, caplog):
    wanted = Wanted(split="train", size=64, fewest=1, most=1, with_nouns=True)
    with caplog.at_level("INFO"):
        assert len(dataset(tmp_path, [row(1), row(2, caption="a cat"), row(3, caption="")], wanted)) == 1
    assert "1 rows to train on; passed over: 2 whose caption has no noun for everybody" in caplog.text


def test_people_of_several_rows_are_found_by_their_names(tmp_path):
    rows = [
        row(1, person(identity="ann")),
        row(2, split="test"),
        row(3, person(identity="ann")),
        row(4, person(identity="bob")),
        row(5, person(identity="ann", kps=None)),
    ]
    source = ManifestRows(write_manifest(tmp_path, rows))
    index = index_rows(source, ONE)
    assert [source.row(number).id for number in index.numbers] == ["000001", "000003", "000004"]
    assert index.identities == {"ann": [0, 1]}
    assert sum(index.passed_over.values()) == 2
    assert list(index.groups) == [3]


def test_those_are_shown_whose_face_the_frame_shows_and_can_be_aligned():
    entry = row(1, person(0, 4, 8), person(72, 4, 8), person(20, 16, 24, kps=None))
    parsed = parse_row(json.dumps(entry).encode(), "manifest.jsonl", 1).row
    frame = frame_row(parsed, 64)
    assert (frame.side, frame.left) == (64, 8)
    assert find_shown(parsed, frame) == []
    alone = parse_row(json.dumps(row(1, person(0, 4, 8))).encode(), "manifest.jsonl", 1).row
    assert frame_row(alone, 64).left == 0
    assert find_shown(alone, frame_row(alone, 64)) == list(alone.persons)
