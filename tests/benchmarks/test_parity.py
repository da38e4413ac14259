"""The table of comparisons, and when the program ends with a failure."""

from __future__ import annotations

import sys

import pytest
import torch
from likeness.benchmarks import parity
from likeness.benchmarks.parity import Method
from likeness.tests.parity.folder import Folder
from likeness.tests.parity.recipe import Comparison
from safetensors.torch import save_file


@pytest.fixture
def run(monkeypatch, capsys, tmp_path):
    """Exit code and lines of a run on a folder of cases, each with one expected value of ones.

    Its arguments are, for each method, the cases and by how much our value differs; None for a case that no code reads.
    """

    def run(methods, *, not_compared=None, other=(), is_given=True):
        made = {}
        for name, cases in methods.items():
            for case in cases:
                store(tmp_path / name / f"{case}.safetensors")
            read = {case: difference for case, difference in cases.items() if difference is not None}
            made[name] = Method(tmp_path / name, [compare(*each) for each in read.items()], not_compared or {})
        for path in other:
            store(tmp_path / f"{path}.safetensors")
        monkeypatch.setattr(parity, "METHODS", made)
        monkeypatch.delenv("PARITY_PATH", raising=False)
        monkeypatch.setattr(sys, "argv", ["parity", *[str(tmp_path)] * is_given])
        return parity.main(), capsys.readouterr().out.splitlines()

    return run


def store(path):
    path.parent.mkdir(exist_ok=True)
    save_file({"in.x": torch.zeros(3), "out.y": torch.ones(3)}, path)


def compare(case, difference):
    def compare(folder):
        expected = folder.read(case)["out.y"]
        yield Comparison(case, expected + torch.tensor([0, difference, 0]), expected, atol=0.1, rtol=0.1)

    return compare


@pytest.mark.parametrize("is_given", [True, False])
def test_all_within_their_tolerance(run, is_given):
    code, lines = run({"one": {"a": 0.1, "b": 0.0}, "other": {"a": 0.05}}, is_given=is_given)
    assert code == 0
    assert lines[-1] == "3 of 3 comparisons within their tolerance; 0 stored values that no code reads"
    assert [line.split()[-1] for line in lines[1:-1]] == ["0.5000", "0.0000", "0.2500"]


@pytest.mark.parametrize("difference", [0.3, float("nan")])
def test_one_outside_is_marked_and_ends_with_a_failure(run, difference):
    code, lines = run({"one": {"a": 0.1, "b": difference}})
    assert code == 1
    assert [line.endswith("FAILED") for line in lines[1:-1]] == [False, True]
    assert lines[-1].startswith("1 of 2 comparisons")


def test_a_case_that_no_code_reads_is_a_failure(run):
    code, lines = run({"one": {"a": 0.0, "b": None}})
    assert code == 1
    assert "not compared: one b: NO CODE READS IT" in lines


def test_a_value_may_be_left_out_with_a_reason(run):
    code, lines = run({"one": {"a": 0.0, "b": None}}, not_compared={"b": "too early"})
    assert code == 0
    assert "not compared: one b: too early" in lines


def test_what_is_not_built_is_named_case_by_case(run):
    code, lines = run({"one": {"a": 0.0}}, other=["stylise/small", "stylise/wide"])
    assert code == 0
    assert [line.split(": ")[1] for line in lines if line.endswith("not built yet")] == [
        "stylise small",
        "stylise wide",
    ]


def test_a_folder_that_nobody_knows_is_a_failure(run):
    code, lines = run({"one": {"a": 0.0}}, other=["strange/small"])
    assert code == 1
    assert lines[-1].endswith("1 stored values that no code reads")


def test_the_cases_of_the_test_suite_are_the_default():
    for method in parity.METHODS.values():
        assert Folder(method.reduced).names()
        modules = {case.__module__ for case in method.cases}
        assert {
            f"{module.rsplit('.', 1)[0]}.{file.stem}" for module in modules for file in method.reduced.glob("*cases.py")
        } == modules
