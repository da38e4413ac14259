"""The miniature's kit is everybody's and its own; the judge tells who was drawn."""

from __future__ import annotations

import json

import pytest

pytest.importorskip("diffusers")

from likeness.evaluation.built_in import KIT as EVERYBODY_S
from likeness.evaluation.running.run import run
from likeness.evaluation.running.workers import ThisProcess
from likeness.miniature.kit.built_in import KIT
from likeness.miniature.kit.people import write_protocol

PEOPLE = 4


def test_it_knows_what_everybody_knows_and_the_judge():
    assert KIT.metrics.keys() == EVERYBODY_S.metrics.keys()
    assert KIT.hosts.keys() - EVERYBODY_S.hosts.keys() == {"miniature"}
    assert KIT.networks.recognisers.keys() - EVERYBODY_S.networks.recognisers.keys() == {"judge"}
    judge = KIT.networks.recognisers["judge"].load(None)
    assert judge.key.startswith("judge ")
    assert KIT.networks.detectors["judge"].load(None).key != judge.key


def likeness(path):
    run(path, KIT, ThisProcess())
    [column] = json.loads((path.parent / "run" / "report.json").read_text())["columns"]
    return column["estimate"]


@pytest.mark.long
def test_the_protocol_tells_a_face_from_nobody_s(tmp_path):
    """Measured with eight people: .817 [.747, .890]."""
    with_face = write_protocol(tmp_path / "face", PEOPLE)
    without = write_protocol(tmp_path / "nobody", PEOPLE)
    without.write_text(without.read_text() + '[drawing]\nmethod = "nobody"\n')
    ours, theirs = likeness(with_face), likeness(without)
    assert ours["mean"] > 0.7
    assert ours["low"] > theirs["high"]
