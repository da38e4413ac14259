"""The table of launches, from counts that are given."""

from __future__ import annotations

from collections import Counter

import pytest
from likeness.benchmarks import launches
from likeness.benchmarks.launches import Arm


@pytest.fixture
def report(monkeypatch, capsys):
    """Lines and exit status for a plain call of 1,000 operations."""

    def run(*arms):
        monkeypatch.setattr(launches, "launched", lambda model, owners=(): Counter(add=model))
        status = launches.report(
            1000, [Arm(name, lambda _, count=count: count, budget) for name, count, budget in arms]
        )
        return capsys.readouterr().out.splitlines(), status

    return run


def test_every_arm_is_held_against_its_budget(report):
    lines, status = report(("one", 1040, 4), ("two", 1150, 15), ("theirs", 1353, None))
    assert status == 0
    assert lines[0].split() == ["plain", "1000"]
    assert lines[1].endswith("1040  +4.0 %, at most +4 %: met")
    assert lines[2].endswith("1150  +15.0 %, at most +15 %: met")
    assert lines[3].endswith("1353  +35.3 %")


def test_a_miss_is_said_and_ends_with_1(report):
    lines, status = report(("one", 1041, 4), ("two", 1100, 15))
    assert status == 1
    assert lines[1].endswith("MISSED")
    assert lines[2].endswith("met")
