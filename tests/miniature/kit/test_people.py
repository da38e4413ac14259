"""People of the world become folders, and a protocol that stands on the shipped one."""

from __future__ import annotations

import numpy as np
from likeness.evaluation.protocol.file import read_protocol
from likeness.miniature.kit.built_in import KIT
from likeness.miniature.kit.people import write_people, write_protocol
from likeness.miniature.world.people.identity import NOUNS
from PIL import Image


def test_everybody_has_a_portrait_and_a_noun_the_same_every_time(tmp_path):
    nouns = write_people(tmp_path / "a", 3)
    assert list(nouns) == ["person-000", "person-001", "person-002"]
    assert set(nouns.values()) <= set(NOUNS)
    assert write_people(tmp_path / "b", 3) == nouns
    pictures = [np.asarray(Image.open(tmp_path / "a" / name / "portrait.png")) for name in nouns]
    assert not np.array_equal(pictures[0], pictures[1])
    for name in nouns:
        path = f"{name}/portrait.png"
        assert (tmp_path / "a" / path).read_bytes() == (tmp_path / "b" / path).read_bytes()


def test_the_protocol_stands_on_the_shipped_one(tmp_path):
    protocol = read_protocol(write_protocol(tmp_path, 2), KIT)
    assert protocol.drawing.word == "miniature"
    assert protocol.metrics["face_similarity"].config.recogniser == "judge"
    assert len(protocol.people) == 2
    assert all(person.noun in NOUNS for person in protocol.people)
