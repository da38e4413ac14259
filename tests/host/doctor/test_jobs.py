"""One job at a time, and whoever asked hears how it ended."""

from __future__ import annotations

from threading import Event

import pytest
from likeness.host.doctor.jobs import Jobs
from likeness.models.errors import DownloadError, InvalidSettingError

SECONDS = 20


class Heard:
    """What was told, and when it was the last."""

    def __init__(self):
        self.messages, self.ended = [], Event()

    def __call__(self, message):
        self.messages.append(message)
        if message["state"] != "running":
            self.ended.set()


@pytest.fixture
def heard():
    return Heard()


def test_a_job_tells_of_its_progress_and_its_end(heard):
    jobs = Jobs()

    def work(progress):
        for done in range(0, 101, 10):
            progress(done, 100)
        return "It is there."

    started = jobs.start("download", "x.bin", work, heard)
    assert (started.verb, started.name, started.state) == ("download", "x.bin", "running")
    assert heard.ended.wait(SECONDS)
    assert heard.messages[0] | {"state": "running"} == {
        "verb": "download", "name": "x.bin", "state": "running", "done": 0, "total": 100, "said": "",
    }  # fmt: skip
    last = heard.messages[-1]
    assert (last["state"], last["done"], last["said"]) == ("done", 100, "It is there.")
    assert jobs.last.to_data() == last


def test_a_second_job_waits_for_its_turn(heard):
    jobs, go_on = Jobs(), Event()
    jobs.start("download", "x.bin", lambda progress: str(go_on.wait(SECONDS)), heard)
    with pytest.raises(InvalidSettingError, match=r"download of x\.bin is running; wait"):
        jobs.start("convert", "y.bin", lambda progress: "", heard)
    go_on.set()
    assert heard.ended.wait(SECONDS)
    heard.ended.clear()
    jobs.start("convert", "y.bin", lambda progress: "", heard)
    assert heard.ended.wait(SECONDS)
    assert heard.messages[-1]["name"] == "y.bin"


@pytest.mark.parametrize(
    ("error", "said"),
    [(DownloadError("The disk is full."), "The disk is full."), (ValueError("odd\nmore"), r"It failed (odd);")],
)
def test_a_job_that_fails_says_why_and_the_next_one_may_begin(heard, error, said):
    jobs = Jobs()

    def work(progress):
        raise error

    jobs.start("download", "x.bin", work, heard)
    assert heard.ended.wait(SECONDS)
    assert heard.messages[-1]["state"] == "failed"
    assert heard.messages[-1]["said"].startswith(said)
    heard.ended.clear()
    jobs.start("download", "x.bin", lambda progress: "again", heard)
    assert heard.ended.wait(SECONDS)
    assert jobs.last.said == "again"


def test_before_the_first_job_there_is_none():
    assert Jobs().last is None
