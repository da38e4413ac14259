import subprocess
import sys
import time

import pytest
from likeness.tools import run_tests
from likeness.tools.comfyui.folders import ComfyFolder
from likeness.tools.run_tests import SKIPPED_LINE, Outcome, host_line, read_counts, run_group


def outcome(name: str, passed: int, failed: int = 0) -> Outcome:
    return Outcome(name=name, passed=passed, failed=failed, skipped=0, seconds=1.0, peak=2**30, is_good=not failed)


def test_the_last_line():
    assert host_line([outcome("0.3.64", 5), outcome("0.33.0", 6)]) == "host tests: 0.3.64 5 passed, 0.33.0 6 passed"
    assert host_line([outcome("0.33.0", 6, 2)]) == "host tests: 0.33.0 6 passed 2 failed"
    assert host_line([]) == SKIPPED_LINE == "host tests SKIPPED: needs ComfyUI"


def test_counts_of_a_report(tmp_path):
    report = tmp_path / "report.xml"
    report.write_text('<testsuites><testsuite tests="10" failures="2" errors="1" skipped="3"/></testsuites>')
    assert read_counts(report) == (4, 3, 3)


@pytest.fixture
def suite(tmp_path):
    file = tmp_path / "test_small.py"
    file.write_text(
        "import os, pytest\n"
        "def test_good(): assert os.environ['COLOUR'] == 'blue'\n"
        "def test_bad(): assert os.environ['COLOUR'] == 'red'\n"
        "@pytest.mark.skip\ndef test_not(): pass\n"
    )
    return file


def test_a_group_is_counted_and_watched(suite):
    found = run_group("small", sys.executable, [str(suite), "-p", "no:cacheprovider"], {"COLOUR": "blue"})
    assert (found.passed, found.failed, found.skipped, found.is_good) == (1, 1, 1, False)
    assert "1 passed, 1 failed, 1 skipped" in found.line


def test_a_group_without_tests_is_not_good(suite):
    found = run_group("none", sys.executable, [str(suite), "-k", "nothing", "-p", "no:cacheprovider"], {})
    assert (found.passed, found.is_good) == (0, False)


@pytest.mark.parametrize("workers", [[], ["-n", "1"]])
def test_ending_the_runner_ends_what_its_tests_started(workers, tmp_path):
    """A fixture of the group in progress still cleans up when the runner itself is asked to end."""
    (tmp_path / "conftest.py").write_text(
        "import signal, sys, time, pathlib, pytest\n"
        "def pytest_configure(): signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))\n"
        "@pytest.fixture\n"
        "def server():\n"
        "    here = pathlib.Path(__file__).parent\n"
        "    (here / 'started').touch()\n"
        "    yield\n"
        "    (here / 'stopped').touch()\n"
    )
    (tmp_path / "test_long.py").write_text("import time\ndef test_long(server): time.sleep(60)\n")
    code = (
        "import signal, sys\n"
        "from likeness.tools.run_tests import run_group\n"
        "signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))\n"
        f"run_group('long', sys.executable, [{str(tmp_path)!r}, *{workers!r}, '-p', 'no:cacheprovider'], {{}})\n"
    )
    runner = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.DEVNULL)
    while not (tmp_path / "started").exists():
        assert runner.poll() is None
        time.sleep(0.1)
    runner.terminate()
    assert runner.wait(30) == 1
    assert (tmp_path / "stopped").exists()


@pytest.mark.parametrize(
    ("arguments", "groups"),
    [
        ([], ["not comfy and not long", "comfy and not long"]),
        (["--long"], ["not comfy and long", "comfy and long"]),
    ],
)
def test_long_tests_run_only_when_asked_for(arguments, groups, monkeypatch, tmp_path):
    folder = ComfyFolder(path=tmp_path, version="0.33.0")
    asked = []

    def run_group(name, python, options, variables):
        asked.append(options[options.index("-m") + 1])
        return Outcome(name=name, passed=1, failed=0, skipped=0, seconds=1, peak=1, is_good=True)

    monkeypatch.setattr(run_tests, "run_group", run_group)
    monkeypatch.setattr(run_tests, "find_comfy_folders", lambda: [folder])
    assert run_tests.main(arguments) == 0
    assert asked == groups
