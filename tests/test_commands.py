"""The commands as a newcomer types them."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
TARGETS = re.findall(r"^([\w-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)

pytestmark = pytest.mark.skipif(shutil.which("make") is None, reason="needs make")


def make(*arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, **variables}
    environment.pop("MAKEFLAGS", None)
    environment.pop("MAKELEVEL", None)
    command = ["make", "-C", str(ROOT), "--no-print-directory", *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False, env=environment)


def test_help_lists_every_target():
    shown = make("help").stdout
    assert not [name for name in TARGETS if name != "help" and f"make {name} " not in shown]
    assert {"demo", "test", "check", "bench", "miniature", "bench-miniature", "clean"} <= set(TARGETS)


def test_the_guide_for_contributors_tells_of_every_target_that_they_need():
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    assert not [name for name in TARGETS if name not in ("help", "setup") and f"`make {name}`" not in text]


@pytest.mark.parametrize("target", ["demo", "test", "check", "bench", "miniature", "bench-miniature", "clean"])
def test_no_target_installs_system_packages(target):
    plan = make("-n", target)
    assert plan.returncode == 0, plan.stderr
    assert not re.search(r"apt|sudo|brew|dnf", plan.stdout)


def test_integration_checks_and_tests():
    script = ROOT / ".ci" / "run"
    assert os.access(script, os.X_OK)
    text = script.read_text(encoding="utf-8")
    assert text.index("make check") < text.index("make test")
    assert subprocess.run(["sh", "-n", str(script)], check=False).returncode == 0


@pytest.mark.parametrize(
    ("target", "module", "folder"),
    [("miniature", "recipe", "miniature"), ("bench-miniature", "ablations", "miniature/ablations")],
)
def test_what_the_miniature_keeps_on_the_way_lies_in_the_cache_folder(target, module, folder):
    *_, plan = make("-n", target).stdout.splitlines()
    assert f"-m likeness.miniature.{module} --folder" in plan
    assert re.match(r"folder=\$\(\S*python -m likeness\.tools\.caches\) && ", plan)
    assert plan.endswith(f'--folder "$folder/{folder}"')


@pytest.mark.parametrize(("target", "options"), [("test", "--room host"), ("test-long", "--long --room host")])
def test_room_and_options_reach_the_tests(target, options):
    plan = make("-n", target, "ROOM=host", "TESTS=-k people").stdout
    assert plan.rstrip().endswith(f"-m likeness.tools.run_tests {options} -k people")
    assert "--room" not in make("-n", target).stdout


def test_photos_and_prompt_reach_the_demo():
    plan = make("-n", "demo", "PHOTOS=a.jpg b.jpg", "PROMPT=two boys").stdout
    assert "--photos a.jpg b.jpg" in plan
    assert '--prompt "two boys"' in plan
