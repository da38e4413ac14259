"""A plan has every combination of people, every prompt and every seed once."""

from __future__ import annotations

from likeness.evaluation.protocol.people import PersonFolder
from likeness.evaluation.running.plan import fill, plan
from likeness.tests.evaluation.small_kit import protocol_of


def test_pictures_stand_by_people_prompt_and_seed(tmp_path):
    pictures = plan(protocol_of(tmp_path))
    assert len(pictures) == 3 * 2 * 2
    assert [each.file for each in pictures[:5]] == [
        "0000-000-0",
        "0000-000-1",
        "0000-001-0",
        "0000-001-1",
        "0001-000-0",
    ]
    assert [each.subject for each in pictures[::4]] == ["ada", "ben", "cleo"]
    assert pictures[5].prompt == "a man on the beach"
    assert len({each.file for each in pictures}) == len(pictures)


def test_people_together_come_in_every_combination(tmp_path):
    changes = {"people": 'folder = "people"\ntogether = 2\n', "prompts": 'texts = ["a {1}, a {2}"]\nmark = " @{}"\n'}
    pictures = plan(protocol_of(tmp_path, changes))
    assert [each.subject for each in pictures[::2]] == ["ada + ben", "ada + cleo", "ben + cleo"]
    assert pictures[0].prompt == "a woman @1, a man @2"
    assert pictures[0].said == "a woman, a man"


def test_other_braces_stay_as_they_are():
    person = PersonFolder("ada", "woman", ())
    assert fill("{a|b} {1} {}", [person]) == "{a|b} woman {}"
