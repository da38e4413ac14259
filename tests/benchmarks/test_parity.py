"""The table of comparisons, and when the program ends with a failure."""

from __future__ import annotations

import sys

import pytest
import torch
from likeness.benchmarks import parity
from likeness.tests.parity.recipe import Comparison


def comparison(label: str, difference: float) -> Comparison:
    expected = torch.ones(3)
    return Comparison(label, expected + torch.tensor([0, difference, 0]), expected, atol=0.1, rtol=0.1)


@pytest.fixture
def run(monkeypatch, capsys, tmp_path):
    """Exit code and lines of a run on cases that differ by so much; the folders that the cases were given."""
    folders = []

    def run(uniportrait, consistentid):
        def case(label, difference):
            def compare(folder):
                folders.append(folder)
                yield comparison(label, difference)

            return compare

        monkeypatch.setattr(parity.uniportrait, "CASES", [case("one", each) for each in uniportrait])
        monkeypatch.setattr(parity, "CONSISTENTID", [case("other", each) for each in consistentid])
        monkeypatch.setattr(
            sys, "argv", ["parity", "--path", str(tmp_path / "a"), "--consistentid-path", str(tmp_path / "b")]
        )
        return parity.main(), capsys.readouterr().out.splitlines(), [folder.name for folder in folders]

    return run


def test_all_within_their_tolerance(run):
    code, lines, folders = run([0.1, 0.0], [0.05])
    assert code == 0
    assert lines[-1] == "3 of 3 comparisons within their tolerance"
    assert folders == ["a", "a", "b"]
    assert [line.split()[-1] for line in lines[1:-1]] == ["0.5000", "0.0000", "0.2500"]


@pytest.mark.parametrize("difference", [0.3, float("nan")])
def test_one_outside_is_marked_and_ends_with_a_failure(run, difference):
    code, lines, _ = run([0.1], [difference])
    assert code == 1
    assert [line.endswith("FAILED") for line in lines[1:-1]] == [False, True]
    assert lines[-1] == "1 of 2 comparisons within their tolerance"


def test_the_cases_of_the_test_suite_are_the_default(monkeypatch):
    assert parity.uniportrait.HERE.is_dir()
    assert parity.consistentid.HERE.is_dir()
    assert len(parity.CONSISTENTID) > len(parity.consistentid.CASES)
