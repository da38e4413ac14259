"""The table of what people cost, from durations and work that are given."""

from __future__ import annotations

import pytest
from likeness.benchmarks import unet_overhead

SECONDS = {"plain": [1.0, 2.0], "1": [1.01, 2.02], "2": [1.04, 2.08], "4": [1.06, 2.12]}
WORK = {"plain": 2_000_000_000_000, "1": 2_020_000_000_000, "2": 2_034_800_000_000, "4": 2_100_000_000_000}


@pytest.fixture
def report(monkeypatch, capsys):
    """Lines of the report for one size, with some numbers of people."""

    def run(side, names=tuple(SECONDS), seconds=SECONDS):
        monkeypatch.setattr(unet_overhead, "flops", lambda call: WORK[call()])
        monkeypatch.setattr(unet_overhead, "measure", lambda calls, *_: {name: seconds[name] for name in calls})
        unet_overhead._report(side, {name: lambda name=name: name for name in names}, 2, 0, 0)
        return capsys.readouterr().out.splitlines()

    return run


def test_every_duration_is_divided_by_the_plain_one_of_its_round(report):
    _, head, _, *rows = report(512)
    assert head == "512x512: plain call 1.500 s, 2.000 TFLOP"
    table = {row.split()[0]: row.split() for row in rows[:3]}
    assert {name: row[1] for name, row in table.items()} == {"1": "+1.00", "2": "+4.00", "4": "+6.00"}
    assert {name: row[-2] for name, row in table.items()} == {"1": "+1.00", "2": "+1.74", "4": "+5.00"}


@pytest.mark.parametrize(("side", "verdict"), [(256, "at most +5.0 %: met"), (512, "at most +3.5 %: MISSED")])
def test_two_people_are_held_to_the_target_of_the_size(side, verdict, report):
    assert report(side)[-2] == f"two people: {verdict}"


def test_four_people_are_held_to_what_two_cost(report):
    assert report(512)[-1] == "four beyond two: +2.00 points, at most 1.5: MISSED"
    near = SECONDS | {"4": [1.05, 2.10]}
    assert report(512, seconds=near)[-1] == "four beyond two: +1.00 points, at most 1.5: met"


def test_a_size_without_a_target_and_people_who_were_not_measured_have_no_verdict(report):
    assert not [line for line in report(1024, ("plain", "1")) if "at most" in line]
