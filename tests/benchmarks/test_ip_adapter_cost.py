"""The table of what a layer costs beside the other pack, from durations and work that are given."""

from __future__ import annotations

import sys

import pytest
from likeness.benchmarks import ip_adapter_cost
from likeness.benchmarks.ip_adapter_cost import (
    OURS,
    OURS_THERE,
    PLAIN,
    THEIRS,
    Measured,
    report,
    report_clones,
    verdict,
)

WORK = {PLAIN: 10**12, OURS: 10**12 + 16 * 10**6, OURS_THERE: 10**12 + 15 * 10**6, THEIRS: 10**12 + 30 * 10**6}
SECONDS = {PLAIN: [1.0, 2.0], OURS: [1.08, 2.16], OURS_THERE: [1.1, 2.2], THEIRS: [1.2, 2.4]}
BARE = {PLAIN: [0.5, 0.7], OURS: [0.564, 0.764], OURS_THERE: [0.53, 0.73], THEIRS: [0.545, 0.745]}


@pytest.fixture
def lines(capsys):
    def run(**changed):
        given = {"work": WORK, "seconds": SECONDS, "bare_seconds": BARE} | changed
        report(Measured(**given), 0)
        return capsys.readouterr().out.splitlines()

    return run


def test_a_layer_is_told_by_the_bare_calls_and_a_call_by_the_whole_ones(lines):
    head, _, *rows = lines()[:5]
    assert head == "plain call 1.500 s, 1.000 TFLOP; bare 0.600 s"
    table = {name: row[len(name) :].split() for name, row in zip((OURS, OURS_THERE, THEIRS), rows, strict=True)}
    assert {name: (row[0], row[1]) for name, row in table.items()} == {
        OURS: ("16", "+8.00"),
        OURS_THERE: ("15", "+10.00"),
        THEIRS: ("15", "+20.00"),
    }
    assert {name: (row[7], row[-2]) for name, row in table.items()} == {
        OURS: ("+4.000", "1.0"),
        OURS_THERE: ("+2.000", "1.0"),
        THEIRS: ("+3.000", "2.0"),
    }


def test_ours_is_held_against_theirs(lines):
    assert lines()[5:] == [
        "ours, FLOP of a site: 0.5000 of theirs, at most 1: met",
        "ours, time of a site beyond theirs: +1.000 ms [+1.000, +1.000], at most 0: MISSED",
        "ours, their layers, FLOP of a site: 0.5000 of theirs, at most 1: met",
        "ours, their layers, time of a site beyond theirs: -1.000 ms [-1.000, -1.000], at most 0: met",
    ]


def test_more_work_than_theirs_is_a_miss(lines):
    found = lines(work=WORK | {THEIRS: 10**12 + 12 * 10**6})
    assert "ours, FLOP of a site: 1.2500 of theirs, at most 1: MISSED" in found


@pytest.mark.parametrize(
    ("difference", "said"),
    [((-1, -2, -0.5), "met"), ((-1, -2, 0), "met"), ((1, 0.5, 2), "MISSED"), ((-1, -2, 0.5), "not to be told apart")],
)
def test_a_difference_within_its_own_uncertainty_decides_nothing(difference, said):
    assert verdict(difference) == said


def test_clones_of_ours_may_add_nothing(monkeypatch, capsys):
    grown = {"plain model": 0, "our model": 0, "our other model": 4, "their model": 8}
    monkeypatch.setattr(ip_adapter_cost, "growth", lambda model: (grown[model], 100))
    report_clones(dict(zip((PLAIN, OURS, OURS_THERE, THEIRS), grown, strict=True)))
    assert capsys.readouterr().out.splitlines() == [
        "10 chained clones of plain: +0 bytes of tensors",
        "10 chained clones of ours: +0 bytes of tensors, at most 0: met",
        "10 chained clones of ours, their layers: +4 bytes of tensors, at most 0: MISSED",
        "10 chained clones of theirs: +8 bytes of tensors",
    ]


def test_without_the_other_pack_one_sentence_says_how_to_name_it(monkeypatch, capsys):
    monkeypatch.delenv(ip_adapter_cost.VARIABLE, raising=False)
    monkeypatch.setattr(sys, "argv", ["ip_adapter_cost"])
    ip_adapter_cost.main()
    assert capsys.readouterr().out.splitlines() == [
        "skipped: needs a copy of ComfyUI_IPAdapter_plus; name its folder in LIKENESS_IPADAPTER_PLUS or with --peer"
    ]
