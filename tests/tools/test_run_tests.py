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


def test_a_group_that_may_be_empty_is_good_without_tests(suite):
    options = [str(suite), "-p", "no:cacheprovider"]
    assert run_group("none", sys.executable, [*options, "-k", "nothing"], {}, may_be_empty=True).is_good
    assert not run_group("bad", sys.executable, options, {"COLOUR": "blue"}, may_be_empty=True).is_good


@pytest.fixture
def asked(monkeypatch, tmp_path) -> list[tuple[str, list[str]]]:
    """Mark expression and further options of every group that would have run, with one ComfyUI found."""
    asked = []

    def run_group(name, python, options, variables, **_):
        place = options.index("-m")
        asked.append((options[place + 1], options[:place] + options[place + 2 :]))
        return Outcome(name=name, passed=1, failed=0, skipped=0, seconds=1, peak=1, is_good=True)

    monkeypatch.setattr(run_tests, "run_group", run_group)
    monkeypatch.setattr(run_tests, "find_comfy_folders", lambda: [ComfyFolder(path=tmp_path, version="0.33.0")])
    return asked


@pytest.mark.parametrize(
    ("arguments", "groups"),
    [
        ([], ["not comfy and not long", "comfy and not long"]),
        (["--long"], ["not comfy and long", "comfy and long"]),
        (["--room", "host"], ["not comfy and not long", "comfy and not long"]),
        (["--room", "dataset"], ["not comfy and not long"]),
    ],
)
def test_groups_that_run(arguments, groups, asked):
    assert run_tests.main(arguments) == 0
    assert [group for group, _ in asked] == groups


def test_a_room_and_pytests_own_options_are_passed_on(asked):
    assert run_tests.main(["--room", "models/face", "-k", "parsing"]) == 0
    for _, options in asked:
        assert options[-3:] == ["tests/models/face", "-k", "parsing"]


def test_a_room_that_is_not_there_is_named_with_those_that_are(asked, capsys):
    assert run_tests.main(["--room", "cellar"]) == 2
    assert asked == []
    said = capsys.readouterr().out
    assert "there is no room cellar" in said
    assert {"models", "host", "nodes", "tools"} <= set(run_tests.rooms())
    assert ", ".join(run_tests.rooms()) in said


def test_a_room_without_host_tests_says_so(asked, capsys):
    run_tests.main(["--room", "dataset"])
    assert capsys.readouterr().out.splitlines()[-1] == "host tests: none in dataset"
