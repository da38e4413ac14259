"""What the page's scripts compute is tested by node's own test runner, where there is one."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

FOLDER = Path(__file__).resolve().parent / "page"
SCRIPTS = sorted(FOLDER.glob("*.test.mjs"))
OLDEST = 20  # of node; older ones have another test runner


def newest_node() -> str | None:
    node = shutil.which("node")
    if node is None:
        return None
    version = subprocess.run([node, "--version"], capture_output=True, text=True, check=True).stdout
    return node if int(version.strip().lstrip("v").split(".")[0]) >= OLDEST else None


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda script: script.name)
def test_scripts(script):
    node = newest_node()
    if node is None:
        pytest.skip(f"needs node {OLDEST} or newer")
    run = subprocess.run([node, "--test", str(script)], capture_output=True, text=True)
    assert run.returncode == 0, run.stdout


def test_there_are_scripts():
    assert SCRIPTS
