"""Kinds that do what nothing of the pack should, to see that it is seen; run as a program."""

from __future__ import annotations

import json
import os
import signal
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from random import Random

import torch
from likeness.models.errors import ConfigError, LikenessError, MissingPackageError

from .damage_weights import Running
from .forked import SOUND, Attempt, run


@dataclass(frozen=True, slots=True)
class Planted:
    """A kind whose every case does one thing."""

    name: str
    action: Callable[[], object]

    def prepare(self, folder: Path) -> None:
        """Leave a note for the cases."""
        (folder / "note").write_text("sound", encoding="utf-8")

    def sound(self, base: Path, folder: Path) -> Attempt:
        """Something that is accepted."""
        return Attempt(lambda: 7, "nothing")

    def attempt(self, random: Random, base: Path, folder: Path) -> Attempt:
        """Do it."""
        if self.name == "unfit":
            raise KeyError("the fuzz is wrong")
        assert (base / "note").read_text("utf-8") == "sound"
        return Attempt(self.action, f"{random.random()}")


class EndlessError(LikenessError):
    """A message that was not cut."""

    def __str__(self) -> str:
        return "x" * 301


class TwoLinesError(LikenessError):
    """A message that is no sentence."""

    def __str__(self) -> str:
        return "one\ntwo"


def _raise(error: BaseException) -> object:
    raise error


def _loop() -> object:
    while True:
        pass


def _take_memory() -> object:
    held = [torch.ones(1 << 28) for _ in range(12)]
    time.sleep(60)
    return held


def _run_code() -> object:
    import pickle

    return pickle.loads(pickle.dumps(Running(Path.cwd().parent / "ran")))


def _recurse() -> object:
    return _recurse()


def _spoilt() -> torch.nn.Module:
    network = torch.nn.Linear(2, 2)
    network.weight.data[0, 0] = torch.nan
    return network


KINDS = (
    Planted("sentence", lambda: _raise(LikenessError("What happened; what to do."))),
    Planted("list", lambda: _raise(ConfigError("one\ntwo"))),
    Planted("accepted", lambda: {"a": torch.nn.Linear(2, 2), "b": [1.5, None]}),
    Planted("raw", lambda: _raise(ValueError("raw"))),
    Planted("recursion", _recurse),
    Planted("exit", lambda: sys.exit(0)),
    Planted("endless", lambda: _raise(EndlessError())),
    Planted("two lines", lambda: _raise(TwoLinesError())),
    Planted("no words", lambda: _raise(LikenessError())),
    Planted("package", lambda: _raise(MissingPackageError("something is missing"))),
    Planted("loop", _loop),
    Planted("wait", lambda: time.sleep(60)),
    Planted("memory", _take_memory),
    Planted("crash", lambda: os.kill(os.getpid(), signal.SIGSEGV)),
    Planted("gone", lambda: os._exit(0)),
    Planted("spoilt", _spoilt),
    Planted("infinite", lambda: [{"a": float("inf")}]),
    Planted("meta", lambda: (torch.zeros(2, device="meta"),)),
    Planted("sparse", lambda: torch.eye(2).to_sparse()),
    Planted("complex", lambda: torch.zeros(2, dtype=torch.complex64)),
    Planted("code", _run_code),
    Planted("outside", lambda: (Path.cwd().parent / "slipped").write_text("a")),
    Planted("unfit", lambda: None),
)


def main() -> None:
    """Print the results as JSON: name → outcome, message, damage; each case twice."""
    found: dict[str, list[list[str]]] = {}
    [sound] = run(KINDS, [(KINDS[-1].name, SOUND)])
    found[str(SOUND)] = [[sound.outcome.name, sound.said, sound.damage]]
    cases = [(kind.name, seed) for kind in KINDS for seed in (0, 0)]
    for result in run(KINDS, cases, jobs=4, cpu=2):
        found.setdefault(result.kind, []).append([result.outcome.name, result.said, result.damage])
    sys.stdout.write(json.dumps(found) + "\n")


if __name__ == "__main__":
    main()
