"""Percentages: rising, no surer than the data, and only for the recogniser that was measured."""

from __future__ import annotations

import json
import math
import os

import numpy as np
import pytest
from likeness.models.errors import CorruptModelFileError, InvalidSettingError
from likeness.models.similarity.calibration import (
    BINS,
    FOLDER,
    LEAST_PAIRS,
    LEAST_PEOPLE,
    Calibration,
    Distribution,
    find,
    read,
    write,
)


def normal(mean, pairs=4000, seed=0, spread=0.1, people=200):
    return Distribution.of(np.random.default_rng(seed).normal(mean, spread, pairs), people)


@pytest.fixture
def calibration():
    return Calibration(recogniser="key", source="made up", same=normal(0.6), different=normal(0.2, seed=1))


def test_the_middle_between_two_like_distributions_is_half(calibration):
    assert calibration.percentage(0.4) == pytest.approx(50, abs=12)
    assert calibration.threshold == pytest.approx(0.4, abs=0.02)


def test_it_is_the_share_of_pairs_of_one_person(calibration):
    """Of two normal distributions the share is a logistic function: at 0.45 its logit is 0.05 · 0.4 / 0.1²."""
    for cosine in (0.35, 0.45):
        expected = 100 / (1 + math.exp(-(cosine - 0.4) * 0.4 / 0.1**2))
        assert calibration.percentage(cosine) == pytest.approx(expected, abs=8)


def test_kinds_weigh_alike_whatever_their_counts():
    many = Calibration(recogniser="", source="", same=normal(0.6, 40_000), different=normal(0.2, 800, seed=1))
    assert many.percentage(0.4) == pytest.approx(50, abs=15)


def test_it_rises_and_is_no_surer_than_the_smaller_number_of_pairs_allows(calibration):
    found = [calibration.percentage(cosine) for cosine in np.linspace(-1, 1, 401)]
    assert found == sorted(found)
    assert found[0] == pytest.approx(100 / 4001)
    assert found[-1] == pytest.approx(100 - 100 / 4001)
    few = Calibration(recogniser="", source="", same=normal(0.9, 300), different=normal(-0.5, seed=1))
    assert few.percentage(1.0) == pytest.approx(100 - 100 / 301)


def test_nothing_is_said_of_nan(calibration):
    assert math.isnan(calibration.percentage(math.nan))


def test_too_little_is_no_calibration():
    with pytest.raises(InvalidSettingError, match="400 pairs of 10 people are no calibration"):
        normal(0.5, 400, people=10)
    with pytest.raises(InvalidSettingError, match="are no calibration"):
        normal(0.5, LEAST_PAIRS - 1)
    assert normal(0.5, LEAST_PAIRS, people=LEAST_PEOPLE).pairs == LEAST_PAIRS


def test_counts_that_contradict_each_other_are_refused():
    with pytest.raises(InvalidSettingError, match="with all 500 pairs"):
        Distribution(200, 500, (4,) * BINS)


def test_a_file_gives_back_what_was_written(tmp_path, calibration):
    write(tmp_path / "a.json", calibration)
    assert read(tmp_path / "a.json") == calibration


def test_it_belongs_to_one_recogniser(tmp_path, calibration):
    write(tmp_path / "a.json", calibration)
    assert find("key", tmp_path) == calibration
    assert find("another key", tmp_path) is None


@pytest.mark.parametrize(
    ("change", "what"),
    [
        (lambda said: said.pop("same"), "same"),
        (lambda said: said.update(format=2), "format"),
        (lambda said: said["same"].update(pairs=7), "no calibration"),
        (lambda said: said.update(unknown=1), "unknown"),
    ],
)
def test_a_spoilt_file_is_named(tmp_path, calibration, change, what):
    path = tmp_path / "a.json"
    write(path, calibration)
    said = json.loads(path.read_text())
    change(said)
    path.write_text(json.dumps(said))
    with pytest.raises(CorruptModelFileError, match=rf'"a\.json" is no calibration \(.*{what}'):
        read(path)


def test_what_is_no_json_is_named(tmp_path):
    (tmp_path / "a.json").write_text("<html>")
    with pytest.raises(CorruptModelFileError, match=r'"a\.json" is no calibration'):
        read(tmp_path / "a.json")


@pytest.mark.parametrize("content", ["[" * 100_000, "7", "null", " " * (1 << 21), '"\ud800"'])
def test_what_is_no_table_is_named_whatever_it_is(tmp_path, content):
    (tmp_path / "a.json").write_bytes(content.encode("utf-8", "surrogatepass"))
    with pytest.raises(CorruptModelFileError, match=r'"a\.json" is no calibration') as caught:
        read(tmp_path / "a.json")
    assert len(str(caught.value)) <= 300


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs a system with pipes")
def test_nobody_waits_for_a_pipe(tmp_path):
    os.mkfifo(tmp_path / "a.json")
    with pytest.raises(CorruptModelFileError, match="is no calibration"):
        read(tmp_path / "a.json")


def test_every_calibration_that_ships_can_be_read_and_says_where_it_is_from():
    paths = sorted(FOLDER.glob("*.json"))
    assert paths
    for path in paths:
        said = read(path)
        assert said.source
        assert find(said.recogniser) == said
