"""The command writes a report, or says in one sentence why not."""

from __future__ import annotations

import os

import pytest
from likeness.evaluation import command
from likeness.evaluation.command import main
from likeness.tests.evaluation.small_kit import HOME, write


@pytest.fixture(autouse=True)
def _environment(monkeypatch):
    monkeypatch.setenv("HF_HUB_OFFLINE", "0")


def call(path):
    return main([str(path)], home=HOME, program="kit")


def test_a_report_is_written_and_nothing_may_be_fetched(tmp_path, capsys):
    assert call(write(tmp_path)) == 0
    said = capsys.readouterr()
    assert said.err.splitlines()[-1] == f"The report: {tmp_path / 'run' / 'report.md'}"
    assert said.out == ""
    assert os.environ["HF_HUB_OFFLINE"] == "1"


def test_a_fault_is_told_on_standard_error(tmp_path, capsys):
    assert call(tmp_path / "none.toml") == 1
    assert "cannot be read (No such file or directory); name the protocol." in capsys.readouterr().err


def test_an_interruption_says_how_to_go_on(tmp_path, capsys, monkeypatch):
    def interrupt(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(command, "run", interrupt)
    assert call(write(tmp_path)) == 130
    assert "the same command goes on where it was" in capsys.readouterr().err
