"""Where generated files are kept."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest
from likeness.tools.caches import cache_folder


@pytest.mark.parametrize(
    ("variables", "folder"),
    [({"LIKENESS_CACHE": "named"}, "named"), ({"LIKENESS_CACHE": "", "XDG_CACHE_HOME": "caches"}, "caches/likeness")],
    ids=["named", "among the user's caches"],
)
def test_the_command_makes_and_prints_the_folder_and_nothing_else(tmp_path, variables, folder):
    environment = {**os.environ, **{name: value and str(tmp_path / value) for name, value in variables.items()}}
    command = [sys.executable, "-m", "likeness.tools.caches"]
    run = subprocess.run(command, capture_output=True, text=True, check=True, env=environment)
    assert run.stdout == f"{tmp_path / folder}\n"
    assert (tmp_path / folder).is_dir()


def test_a_home_folder_may_be_named(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("LIKENESS_CACHE", "~/mine")
    assert cache_folder() == tmp_path / "mine"
