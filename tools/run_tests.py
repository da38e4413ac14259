"""`make test`: all tests, or those of one room, once without ComfyUI and once per ComfyUI found.

The table at the end has time and memory of each group.
"""

from __future__ import annotations

import argparse
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
import xml.etree.ElementTree as ElementTree
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import psutil

from .comfyui.folders import REPOSITORY, ComfyFolder, find_comfy_folders, version_key, wrong_paths

SAMPLING_SECONDS = 0.5
ENDING_SECONDS = 20.0
TESTS = REPOSITORY / "tests"
HOST_MARK = "mark.comfy"
NO_TESTS = 5  # pytest's exit status when nothing was collected
MOST_WORKERS = 8  # processes that run unit tests at once; each holds torch
HOST_WORKERS = 2  # that run host tests: one beside the one with the server and its full-size models
ONE_THREAD = {"OMP_NUM_THREADS": "1"}
SKIPPED_LINE = "host tests SKIPPED: needs ComfyUI"


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What one run of pytest gave.

    Attributes:
        name: "unit" or a ComfyUI version.
        failed: failures and errors together.
        peak: resident memory of all its processes together at its highest, bytes.
        is_good: whether pytest was content; it is not when it collected nothing or broke off.
    """

    name: str
    passed: int
    failed: int
    skipped: int
    seconds: float
    peak: int
    is_good: bool

    @property
    def line(self) -> str:
        """One line for the table at the end."""
        counts = f"{self.passed} passed, {self.failed} failed, {self.skipped} skipped"
        return f"{self.name:>8}: {counts}, {self.seconds:.0f} s, peak memory {self.peak / 2**30:.1f} GiB"


def main(arguments: Sequence[str]) -> int:
    """Run all groups, print the table, the totals and the line about ComfyUI."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # the group in progress is ended, and ends its servers
    options, arguments = _read(arguments)
    if options.room and not (TESTS / options.room).exists():
        print(
            f"tests: there is no room {options.room}; choose one of {', '.join(rooms())}, or a folder or file in one."
        )
        return 2
    for path in wrong_paths():
        print(f"tests: there is no ComfyUI in {path}")
    if options.room:
        arguments = [f"{TESTS.name}/{options.room}", *arguments]
    group = "long" if options.long else "not long"
    unit = _run_unit(f"not comfy and {group}", arguments, may_be_empty=bool(options.room))
    folders = sorted(find_comfy_folders(), key=lambda folder: version_key(folder.version))
    run_host = _run_long if options.long else _run_host
    hosts = [run_host(folder, arguments) for folder in folders if _has_host_tests(options.room)]
    outcomes = [unit, *hosts]
    print("\n" + "\n".join(outcome.line for outcome in outcomes))
    print(_total(outcomes))
    print(host_line(hosts) if hosts or _has_host_tests(options.room) else f"host tests: none in {options.room}")
    return 0 if all(outcome.is_good for outcome in outcomes) else 1


def rooms() -> list[str]:
    """Return the names that `--room` takes: the folders of tests/ with tests in them."""
    return sorted(folder.name for folder in TESTS.iterdir() if any(folder.rglob("test_*.py")))


def run_group(
    name: str,
    python: str,
    arguments: Sequence[str],
    variables: Mapping[str, str],
    *,
    may_be_empty: bool = False,
) -> Outcome:
    """Run pytest once in its own process and count what came of it; `may_be_empty` lets it find no test."""
    print(f"\n=== tests: {name} ===", flush=True)
    started = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="likeness-tests-") as folder:
        report = Path(folder) / "report.xml"
        command = [python, "-m", "pytest", "-q", "-rs", "--durations=5", f"--junitxml={report}", *arguments]
        process = subprocess.Popen(command, cwd=REPOSITORY, env={**os.environ, **variables})
        watch = _MemoryWatch(process.pid)
        try:
            code = process.wait()
        except BaseException:
            _end(process)
            raise
        counts = read_counts(report) if report.is_file() else (0, 1, 0)
    seconds = time.monotonic() - started
    passed, failed, skipped = counts
    peak = watch.stop()
    return Outcome(
        name=name,
        passed=passed,
        failed=failed,
        skipped=skipped,
        seconds=seconds,
        peak=peak,
        is_good=code == 0 or (may_be_empty and code == NO_TESTS),
    )


def read_counts(report: Path) -> tuple[int, int, int]:
    """Read how many tests passed, failed (or broke) and were skipped from pytest's XML report."""
    total = failed = skipped = 0
    for suite in ElementTree.parse(report).getroot().iter("testsuite"):
        total += int(suite.get("tests", 0))
        failed += int(suite.get("failures", 0)) + int(suite.get("errors", 0))
        skipped += int(suite.get("skipped", 0))
    return total - failed - skipped, failed, skipped


def host_line(hosts: Sequence[Outcome]) -> str:
    """The last line: how many host tests passed in each version, oldest first."""
    if not hosts:
        return SKIPPED_LINE
    parts = [f"{host.name} {host.passed} passed" + (f" {host.failed} failed" * bool(host.failed)) for host in hosts]
    return f"host tests: {', '.join(parts)}"


def _end(process: subprocess.Popen[bytes]) -> None:
    """Ask what pytest started to end before pytest: it kills its workers before their fixtures have cleaned up."""
    started = psutil.Process(process.pid).children()
    for child in started:
        child.terminate()
    psutil.wait_procs(started, timeout=ENDING_SECONDS)
    process.terminate()
    process.wait()


def _read(arguments: Sequence[str]) -> tuple[argparse.Namespace, list[str]]:
    """Read our own options; all others are pytest's."""
    parser = argparse.ArgumentParser(description=__doc__, allow_abbrev=False, add_help=False)
    parser.add_argument("--long", action="store_true", help="only what `make test` leaves out")
    parser.add_argument("--room", default="", help="a folder of tests/, or a folder or file in one")
    return parser.parse_known_args(arguments)


def _has_host_tests(room: str) -> bool:
    path = TESTS / room
    files = path.rglob("test_*.py") if path.is_dir() else [path]
    return any(HOST_MARK in file.read_text(encoding="utf-8") for file in files)


def _run_unit(group: str, arguments: Sequence[str], *, may_be_empty: bool) -> Outcome:
    chosen = ["-m", group, *_workers(MOST_WORKERS), *arguments]
    return run_group("unit", sys.executable, chosen, ONE_THREAD, may_be_empty=may_be_empty)


def _run_host(folder: ComfyFolder, arguments: Sequence[str]) -> Outcome:
    chosen = ["-m", "comfy and not long", *_workers(HOST_WORKERS), *arguments]
    return run_group(folder.version, str(folder.python), chosen, _variables(folder) | ONE_THREAD)


def _run_long(folder: ComfyFolder, arguments: Sequence[str]) -> Outcome:
    """One server does all the work, with every core."""
    return run_group(folder.version, str(folder.python), ["-m", "comfy and long", *arguments], _variables(folder))


def _variables(folder: ComfyFolder) -> dict[str, str]:
    return {"LIKENESS_COMFYUI": str(folder.path)}


def _workers(most: int) -> list[str]:
    """Options for a process per core; all tests of a file run in one of them."""
    return ["-n", str(min(os.cpu_count() or 1, most)), "--dist", "loadfile"]


def _total(outcomes: Sequence[Outcome]) -> str:
    passed = sum(outcome.passed for outcome in outcomes)
    failed = sum(outcome.failed for outcome in outcomes)
    skipped = sum(outcome.skipped for outcome in outcomes)
    return f"{passed} passed, {failed} failed, {skipped} skipped"


class _MemoryWatch:
    """Adds up, every half second, the resident memory of a process and all its children."""

    def __init__(self, process_id: int) -> None:
        self._process = psutil.Process(process_id)
        self._peak = 0
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._thread.start()

    def stop(self) -> int:
        """Stop watching; gives the highest sum in bytes."""
        self._done.set()
        self._thread.join()
        return self._peak

    def _watch(self) -> None:
        while not self._done.wait(SAMPLING_SECONDS):
            try:
                family = [self._process, *self._process.children(recursive=True)]
            except psutil.NoSuchProcess:
                return
            self._peak = max(self._peak, sum(_resident(process) for process in family))


def _resident(process: psutil.Process) -> int:
    try:
        return process.memory_info().rss
    except psutil.Error:
        return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
