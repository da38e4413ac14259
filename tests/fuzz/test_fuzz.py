"""Three hundred damaged things and the cases that once failed: a sentence or a sound result each; `make fuzz N=10000` does more."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from likeness.tests.fuzz.__main__ import ONE_THREAD, main
from likeness.tests.fuzz.forked import SOUND
from likeness.tests.fuzz.kinds import GROUPS, KINDS, cases_of
from likeness.tests.fuzz.outcome import Outcome, Result
from likeness.tests.fuzz.regressions import REGRESSIONS
from likeness.tests.fuzz.table import table

CASES = 300
forks = pytest.mark.skipif(not hasattr(os, "fork"), reason="needs a system that forks")


def results_of(path: Path, *arguments: str) -> list[Result]:
    """What the program found, in a process that has no threads yet."""
    environment = {**os.environ, **dict.fromkeys(ONE_THREAD, "1")}
    command = [sys.executable, "-m", "likeness.tests.fuzz", "--json", str(path), *arguments]
    ended = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
    assert path.is_file(), ended.stderr
    rows = json.loads(path.read_text("utf-8"))
    return [Result(kind, seed, Outcome[name], said, damage) for kind, seed, name, said, damage in rows]


@forks
@pytest.mark.parametrize("group", GROUPS)
def test_nothing_breaks_it(group, tmp_path):
    kinds = GROUPS[group]
    number = round(CASES * len(kinds) / len(KINDS))
    names = [word for kind in kinds for word in ("--kind", kind.name)]
    results = results_of(tmp_path / "results.json", "-n", str(number), *names)
    assert len(results) == number
    assert {result.kind for result in results} == {kind.name for kind in kinds}
    assert [str(result) for result in results if not result.outcome.is_good] == []


@forks
def test_what_is_sound_is_accepted(tmp_path):
    """Else the sentences of all other cases would say nothing."""
    results = results_of(tmp_path / "results.json", "-n", str(len(KINDS)), "--seed", str(SOUND))
    assert {result.seed for result in results} == {SOUND}
    assert [str(result) for result in results if result.outcome is not Outcome.ACCEPTED] == []


@forks
def test_what_once_failed_does_not_fail_again(tmp_path):
    results = results_of(tmp_path / "results.json", "--regressions")
    assert {(result.kind, result.seed) for result in results} == set(REGRESSIONS)
    assert [str(result) for result in results if not result.outcome.is_good] == []


def test_kinds_are_told_apart_by_their_names():
    names = [kind.name for kind in KINDS]
    assert len(set(names)) == len(names)
    assert sum(map(len, GROUPS.values())) == len(KINDS)


def test_cases_go_through_all_kinds_in_turn():
    cases = list(cases_of(KINDS, len(KINDS) + 1, 7))
    assert cases[0] == (KINDS[0].name, 7)
    assert cases[-1] == (KINDS[0].name, 8)
    assert len({name for name, _ in cases}) == len(KINDS)
    assert list(cases_of((), 9)) == []


def test_the_table_has_a_row_for_each_kind_and_their_sum():
    results = [
        Result("a", 0, Outcome.SENTENCE),
        Result("a", 1, Outcome.HANG),
        Result("b", 0, Outcome.ACCEPTED),
    ]
    head, _, first, second, last = table(results).splitlines()
    assert head.startswith("| kind | tried | one clear sentence | raw error | hang |")
    assert first == "| a | 2 | 1 | 0 | 1 | 0 | 0 | 0 | 0 |"
    assert second == "| b | 1 | 0 | 0 | 0 | 0 | 1 | 0 | 0 |"
    assert last == "| **all** | 3 | 1 | 0 | 1 | 0 | 1 | 0 | 0 |"
    assert "the fuzz itself failed" in table([Result("a", 0, Outcome.UNFIT)])


def test_an_unknown_kind_is_refused(capsys):
    with pytest.raises(SystemExit):
        main(["--kind", "nothing"])
    assert "invalid choice" in capsys.readouterr().err
