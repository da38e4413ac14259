"""Progress is told on standard error."""

from __future__ import annotations

from likeness.evaluation.running import progress
from likeness.evaluation.running.progress import Progress


def test_the_first_and_the_last_are_always_told(capsys):
    part = Progress("drawing", 5, 2)
    for _ in range(3):
        part.add(1)
    said = capsys.readouterr().err.splitlines()
    assert said[0] == "drawing: 2 of 5 pictures"
    assert said[-1] == "drawing: 5 of 5 pictures"
    assert len(said) < 5


def test_the_rest_is_estimated_from_this_run_alone(capsys, monkeypatch):
    now = iter([10.0, 12.0, 12.0])
    monkeypatch.setattr(progress.time, "monotonic", lambda: next(now, 12.0))
    part = Progress("drawing", 6, 2)  # begun at 10
    part.add(1)
    assert capsys.readouterr().err.splitlines()[-1] == "drawing: 3 of 6 pictures, 6 s to go"
