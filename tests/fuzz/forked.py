"""Cases in children of their own, forked from a parent that has imported everything and started no thread.

A child may use 20 seconds of CPU time and 2 GiB more than its parent; one that waits for something that never comes is ended as
well. What it came to it writes into a pipe; a child that ends without a word has died.
"""

from __future__ import annotations

import json
import os
import resource
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Protocol

from likeness.models.errors import LikenessError

from .inspection import damage_of, fault_of_message
from .outcome import Outcome, Result

CPU = 20  # seconds
IDLE = 8.0  # seconds without CPU time, after which a child waits for something that never comes
MEMORY = 2 << 30  # bytes resident above the parent
PAUSE = 0.01  # seconds between two looks at the children
SOUND = -1  # seed of the case in which nothing is damaged
FILES = "files"  # folder in a case's folder; what else appears beside it was made by code that should not run
PAGE = resource.getpagesize()


@dataclass(frozen=True, slots=True)
class Attempt:
    """What a child tries.

    Attributes:
        action: uses what was damaged; what it returns was accepted.
        damage: what was done to it.
    """

    action: Callable[[], object]
    damage: str


class Kind(Protocol):
    """Something that is damaged in many ways."""

    @property
    def name(self) -> str:
        """Of the row in the table."""
        ...

    def prepare(self, folder: Path) -> None:
        """Write what all cases begin with; in a child too."""
        ...

    def sound(self, base: Path, folder: Path) -> Attempt:
        """The case in which nothing is damaged, which must be accepted: else all others would say nothing."""
        ...

    def attempt(self, random: Random, base: Path, folder: Path) -> Attempt:
        """A case.

        Args:
            random: where all chance comes from.
            base: what `prepare` has written; must not be changed.
            folder: an empty one of its own.
        """
        ...


@dataclass(slots=True)
class _Child:
    kind: str
    seed: int
    pid: int
    pipe: int
    folder: Path
    used: int = 0  # CPU time when it last changed
    since: float = field(default_factory=time.monotonic)


def run(kinds: Iterable[Kind], cases: Iterable[tuple[str, int]], *, jobs: int = 1, cpu: int = CPU) -> Iterator[Result]:
    """The result of each case, as they end.

    Args:
        kinds: that cases name.
        cases: name of a kind and seed.
        jobs: children at a time.
        cpu: seconds of CPU time that each may use.

    Raises:
        RuntimeError: if this process has threads, a kind is unknown or cannot be prepared.
    """
    _require_no_threads()
    by_name = {kind.name: kind for kind in kinds}
    prepared: dict[str, Path] = {}
    running: list[_Child] = []
    with tempfile.TemporaryDirectory(prefix="likeness-fuzz-", ignore_cleanup_errors=True) as place:
        own = _resident(os.getpid())
        try:
            for number, (name, seed) in enumerate(cases):
                if name not in prepared:
                    prepared[name] = _prepare(by_name[name], Path(place) / f"base-{len(prepared)}")
                running.append(_start(by_name[name], seed, prepared[name], Path(place) / f"case-{number}", cpu))
                while len(running) >= jobs:
                    yield from _ended(running, own)
            while running:
                yield from _ended(running, own)
        finally:
            for child in running:
                os.kill(child.pid, signal.SIGKILL)
                os.waitpid(child.pid, 0)


def _require_no_threads() -> None:
    threads = len(os.listdir("/proc/self/task"))
    if threads != 1:
        raise RuntimeError(
            f"This process has {threads} threads, and a child would get one of them with all locks as they are."
        )


def _prepare(kind: Kind, folder: Path) -> Path:
    """Let a child write what the cases of a kind begin with."""
    folder.mkdir()
    pid = os.fork()
    if pid == 0:
        status = 1
        try:
            _be_quiet()
            kind.prepare(folder)
            status = 0
        except BaseException as error:
            (folder / "failed.txt").write_text(f"{type(error).__name__}: {error}", encoding="utf-8")
        finally:
            os._exit(status)
    _, status = os.waitpid(pid, 0)
    if status:
        note = folder / "failed.txt"
        raise RuntimeError(f"{kind.name} could not be prepared: {note.read_text('utf-8') if note.exists() else status}")
    return folder


def _start(kind: Kind, seed: int, base: Path, folder: Path, cpu: int) -> _Child:
    (folder / FILES).mkdir(parents=True)
    reading, writing = os.pipe()
    os.set_blocking(reading, False)
    pid = os.fork()
    if pid == 0:
        try:
            os.close(reading)
            _try(kind, seed, base, folder / FILES, writing, cpu)
        finally:
            os._exit(0)
    os.close(writing)
    return _Child(kind.name, seed, pid, reading, folder)


def _try(kind: Kind, seed: int, base: Path, folder: Path, pipe: int, cpu: int) -> None:
    """The child's life."""
    _be_quiet()
    resource.setrlimit(resource.RLIMIT_CPU, (cpu, cpu + 1))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    os.chdir(folder)
    try:
        if seed == SOUND:
            attempt = kind.sound(base, folder)
        else:
            attempt = kind.attempt(Random(f"{kind.name} {seed}"), base, folder)
    except BaseException as error:
        _say(pipe, Outcome.UNFIT, f"{type(error).__name__}: {error}", "")
        return
    _say(pipe, Outcome.DIED, "", attempt.damage)  # until something else is said
    _say(pipe, *_outcome(attempt.action), attempt.damage)


def _outcome(action: Callable[[], object]) -> tuple[Outcome, str]:
    try:
        value = action()
    except LikenessError as error:
        fault = fault_of_message(error)
        return (Outcome.RAW, f"{fault}: {error}") if fault else (Outcome.SENTENCE, str(error))
    except BaseException as error:
        return Outcome.RAW, f"{type(error).__name__}: {error}"
    damage = damage_of(value)
    return (Outcome.DAMAGED, damage) if damage else (Outcome.ACCEPTED, "")


def _say(pipe: int, outcome: Outcome, said: str, damage: str) -> None:
    line = json.dumps([outcome.name, said[:500], damage[:200]])
    os.write(pipe, line.encode() + b"\n")


def _be_quiet() -> None:
    """Nothing of a case is printed, and nobody else's handlers run."""
    nowhere = os.open(os.devnull, os.O_RDWR)
    for stream in (0, 1, 2):
        os.dup2(nowhere, stream)
    for each in (signal.SIGTERM, signal.SIGINT, signal.SIGXCPU):
        signal.signal(each, signal.SIG_DFL)
    sys.setrecursionlimit(1000)


def _ended(running: list[_Child], own: int) -> Iterator[Result]:
    """Results of the children that have ended or are ended now; waits a moment if there is none."""
    there = False
    for child in list(running):
        pid, status = os.waitpid(child.pid, os.WNOHANG)
        why = ""
        if pid == 0:
            why = _too_much(child, own)
            if not why:
                continue
            os.kill(child.pid, signal.SIGKILL)
            _, status = os.waitpid(child.pid, 0)
        running.remove(child)
        there = True
        yield _result(child, status, why)
    if not there:
        time.sleep(PAUSE)


def _too_much(child: _Child, own: int) -> str:
    """Why a running child is ended; empty where it may go on."""
    used = _cpu_time(child.pid)
    if used != child.used:
        child.used, child.since = used, time.monotonic()
    if time.monotonic() - child.since > IDLE:
        return f"waits for {IDLE:.0f} s"
    if _resident(child.pid) - own > MEMORY:
        return f"{MEMORY >> 30} GiB of memory"
    return ""


def _resident(pid: int) -> int:
    """Bytes resident; 0 for a process that has just ended."""
    try:
        return int(Path(f"/proc/{pid}/statm").read_text("ascii").split()[1]) * PAGE
    except (OSError, IndexError):
        return 0


def _cpu_time(pid: int) -> int:
    """Ticks that a process and its threads have used."""
    try:
        words = Path(f"/proc/{pid}/stat").read_text("utf-8", "replace").rpartition(")")[2].split()
    except OSError:
        return 0
    return int(words[11]) + int(words[12])


def _result(child: _Child, status: int, why: str) -> Result:
    """What is known of a child that has ended; its folder goes."""
    words = b""
    while part := _read(child.pipe):
        words += part
    os.close(child.pipe)
    lines = words.decode().splitlines()
    name, said, damage = json.loads(lines[-1]) if lines else (Outcome.UNFIT.name, "ended before it began", "")
    outcome = Outcome[name]
    if why or (os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGXCPU):
        outcome, said = Outcome.HANG, why or "CPU time"
    elif os.WIFSIGNALED(status):
        outcome, said = Outcome.DIED, signal.Signals(os.WTERMSIG(status)).name
    strange = sorted(each.name for each in child.folder.iterdir() if each.name != FILES)
    if strange:
        outcome, said = Outcome.RAN, f"made {', '.join(strange)}"
    shutil.rmtree(child.folder, ignore_errors=True)
    return Result(child.kind, child.seed, outcome, said, damage)


def _read(pipe: int) -> bytes:
    try:
        return os.read(pipe, 1 << 16)
    except BlockingIOError:
        return b""
