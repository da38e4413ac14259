"""Whatever a case may do, it is seen: each bad end is planted once."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest
from likeness.tests.fuzz.__main__ import ONE_THREAD
from likeness.tests.fuzz.outcome import Outcome

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="needs a system that forks")

EXPECTED = {
    "sentence": (Outcome.SENTENCE, "What happened; what to do."),
    "list": (Outcome.SENTENCE, "one\ntwo"),
    "accepted": (Outcome.ACCEPTED, ""),
    "raw": (Outcome.RAW, "ValueError: raw"),
    "recursion": (Outcome.RAW, "RecursionError: "),
    "exit": (Outcome.RAW, "SystemExit: 0"),
    "endless": (Outcome.RAW, "301 letters"),
    "two lines": (Outcome.RAW, "2 lines"),
    "no words": (Outcome.RAW, "no words"),
    "package": (Outcome.RAW, "a package is missing here"),
    "loop": (Outcome.HANG, "CPU time"),
    "wait": (Outcome.HANG, "waits for 8 s"),
    "memory": (Outcome.HANG, "2 GiB of memory"),
    "crash": (Outcome.DIED, "SIGSEGV"),
    "gone": (Outcome.DIED, ""),
    "spoilt": (Outcome.DAMAGED, ".weight is not finite"),
    "infinite": (Outcome.DAMAGED, ".0.a is inf"),
    "meta": (Outcome.DAMAGED, "has no values"),
    "sparse": (Outcome.DAMAGED, "has no values"),
    "complex": (Outcome.DAMAGED, "is torch.complex64"),
    "code": (Outcome.RAN, "made ran"),
    "outside": (Outcome.RAN, "made slipped"),
    "unfit": (Outcome.UNFIT, "KeyError"),
    "-1": (Outcome.ACCEPTED, ""),  # the one of them in which nothing is damaged
}


@pytest.fixture(scope="module")
def found():
    environment = {**os.environ, **dict.fromkeys(ONE_THREAD, "1")}
    command = [sys.executable, "-m", "likeness.tests.fuzz.planted"]
    ended = subprocess.run(command, capture_output=True, text=True, check=True, env=environment)
    return json.loads(ended.stdout.splitlines()[-1])


def test_everything_was_planted(found):
    assert set(found) == set(EXPECTED)


@pytest.mark.parametrize("name", EXPECTED)
def test_what_happens_is_seen(found, name):
    outcome, said = EXPECTED[name]
    for seen, words, _ in found[name]:
        assert seen == outcome.name
        assert said in words


def test_a_seed_makes_the_same_case_again(found):
    (_, _, first), (_, _, second) = found["accepted"]
    assert first == second != found["spoilt"][0][2]


def test_a_process_with_threads_is_refused():
    program = (
        "import threading, time; threading.Thread(target=time.sleep, args=(20,), daemon=True).start();"
        "from likeness.tests.fuzz.forked import run; list(run((), ()))"
    )
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert "This process has 2 threads" in ended.stderr


@pytest.mark.parametrize("outcome", Outcome)
def test_only_a_sentence_and_a_sound_result_are_good(outcome):
    assert outcome.is_good is (outcome in (Outcome.SENTENCE, Outcome.ACCEPTED))
