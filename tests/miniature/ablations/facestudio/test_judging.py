"""What the judge says of styled pictures: true ones, and those of somebody else."""

from __future__ import annotations

import math
from types import SimpleNamespace

import pytest
import torch

pytest.importorskip("diffusers")

from likeness.miniature.ablations.facestudio import judging as module
from likeness.miniature.ablations.facestudio.arms import other_people
from likeness.miniature.ablations.facestudio.judging import judge_arm
from likeness.miniature.judge.judge import Verdict
from likeness.miniature.judge.readers import PERSON, STYLED
from likeness.miniature.world.people.identity import ATTRIBUTES
from likeness.tests.miniature.ablations.facestudio.small_styled import COUNT
from likeness.tests.miniature.ablations.facestudio.small_styled import networks as networks
from likeness.tests.miniature.ablations.facestudio.small_styled import questions as questions
from likeness.tests.miniature.ablations.facestudio.small_styled import weights as weights

SURE = 9.0
PLACES = {each.name: place for place, each in enumerate(ATTRIBUTES)}


def verdict(codes, clothing, pattern, tint, style):
    """Of a judge who sees these people, (N, 7), before this background."""
    said = {name: codes[:, place] for name, place in PLACES.items()}
    said |= {"clothing": clothing, "accessory": torch.zeros_like(clothing)}
    people = {
        name: (torch.nn.functional.one_hot(said[name], size).float() * SURE).log_softmax(-1)
        for name, size in PERSON.items()
    }
    answers = {"pattern": pattern, "tint": tint, "style": style}
    backdrop = {
        name: (torch.nn.functional.one_hot(answers[name], size).float() * SURE).log_softmax(-1)
        for name, size in STYLED.items()
    }
    return Verdict(points=torch.zeros(len(codes), 5, 2), people=people, backdrop=backdrop)


def seen(questions, row, *, codes, like):
    """What is seen in a picture that shows somebody, and else the caption's (`text`) or the style picture's things."""
    facts = questions.asked.scene.facts
    text = (facts.clothing[row], facts.pattern[row], facts.tint[row], torch.tensor(0))
    picture = (questions.clothing[row], facts.pattern[row], questions.tints[row], questions.styles[row])
    return verdict(codes[row], *(text if like == "text" else picture))


@pytest.fixture
def judged(monkeypatch, questions):
    """Judges what is said to be seen."""

    def judge(people, verdicts):
        monkeypatch.setattr(module, "read_pictures", lambda judge, pictures: verdicts)
        return judge_arm(SimpleNamespace(), torch.zeros(len(verdicts), 3, 128, 128), questions[people])

    return judge


def mean(values):
    known = [value for value in values if not math.isnan(value)]
    return sum(known) / len(known)


def test_a_picture_like_the_style_picture(judged, questions):
    asked = questions[1]
    values = judged(1, [seen(asked, row, codes=asked.codes, like="picture") for row in range(COUNT)])
    for metric in ("style", "picture's tint", "picture's clothes", "like picture", "leaning", "leak", "leak, skin"):
        assert mean(values[metric]) == 1, metric
    assert mean(values["text's tint"]) == 0
    assert mean(values["identity"]) < 1
    assert {len(each) for each in values.values()} == {COUNT}


def test_a_picture_like_the_text(judged, questions):
    asked = questions[1]
    values = judged(1, [seen(asked, row, codes=asked.asked.scene.codes, like="text") for row in range(COUNT)])
    for metric in ("text's tint", "text's clothes", "like text", "identity", "like A"):
        assert mean(values[metric]) == 1, metric
    assert mean(values["leaning"]) == -1
    assert mean(values["like B"]) == 0
    assert mean(values["leak"]) < 1


def test_the_other_of_a_mixed_pair(judged, questions):
    asked = questions[1]
    others = other_people(asked.asked.scene.codes)
    values = judged(1, [seen(asked, row, codes=others, like="text") for row in range(COUNT)])
    assert mean(values["like A"]) == 0
    assert mean(values["like B"]) == 1


def test_two_people_blend_and_are_not_mixed_and_a_wrong_number_shows_no_clothes(judged, questions):
    asked = questions[2]
    both = [seen(asked, row, codes=asked.asked.scene.codes, like="picture") for row in range(COUNT)]
    values = judged(2, both)
    assert mean(values["picture's clothes"]) == 1
    assert mean(values["recognised"]) == 1
    assert "blending" in values
    assert "like A" not in values
    one = [verdict(codes[:1], torch.tensor([0]), *(torch.tensor(0),) * 3) for codes in asked.codes[:COUNT]]
    assert mean(judged(2, one)["picture's clothes"]) == 0


def test_nobody_is_like_nobody(judged, questions):
    empty = [
        verdict(codes[:0], torch.zeros(0, dtype=torch.int64), *(torch.tensor(0),) * 3)
        for codes in questions[1].codes[:COUNT]
    ]
    values = judged(1, empty)
    assert all(math.isnan(value) for value in values["like A"] + values["like B"])
    assert mean(values["leak"]) == 0
