"""What the judging says of pictures: by verdicts written by hand."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
import torch

pytest.importorskip("diffusers")

from likeness.miniature.ablations.judging import change_outside, judge_arm
from likeness.miniature.ablations.questions import Questions
from likeness.miniature.world.people.identity import EYES, HAIR_COLOUR, SKIN
from likeness.miniature.world.world import World
from likeness.tests.miniature.verdicts import truth, verdict_of


def asked_about(people, opening=(False, False, False, False)):
    """Four questions of a world, with nothing but what the judging needs."""
    nothing = torch.zeros(4, people, 2, 1)
    return Questions(
        scene=World(seed=5).scenes(range(4), people=(people, people)),
        noise=torch.zeros(4, 4, 2, 2),
        intrinsic=nothing,
        structure=nothing,
        opening=torch.tensor(opening)[:, None].expand(-1, people),
        references=torch.zeros(4, people, 3, 8, 8),
        crops=nothing,
        faces=torch.zeros(4, people, 8, 8),
        heads=torch.zeros(4, people, 8, 8),
        described_by="",
    )


class Says:
    """Stands for the judge: says what it was told, part by part."""

    def __init__(self, *verdicts):
        self.verdicts = list(verdicts)

    def read(self, pictures):
        said, self.verdicts = self.verdicts[: len(pictures)], self.verdicts[len(pictures) :]
        return said


def reads_openings(windows):
    """Stands for the reader of expressions: a bright picture has an open mouth."""
    bright = windows.mean((1, 2, 3)) > 0.5
    return {"opening": torch.stack((~bright, bright), -1).float()}


def judged(questions, *verdicts, pictures=None):
    shown = torch.zeros(4, 3, 128, 128) if pictures is None else pictures
    return judge_arm(Says(*verdicts), reads_openings, shown, questions)


@pytest.mark.parametrize(("people", "also", "perfect"), [(1, "copying", 1.0), (2, "blending", 0.0)])
def test_a_perfect_picture_is_right_in_everything(people, also, perfect):
    questions = asked_about(people)
    true = [truth(questions.scene, row) for row in range(4)]
    values = judged(questions, *(verdict_of(*codes, **seen) for codes, seen in true))
    assert min(values.pop("clear")) > 0.95  # a judge of the tests is that sure
    assert values.pop(also) == pytest.approx([perfect] * 4, abs=1e-6)
    assert values == dict.fromkeys(("text", "identity", "skin", "hair colour", "eyes", "recognised"), [1.0] * 4)


def test_the_mouth_is_compared_with_the_portraits_where_there_is_one_face():
    questions = asked_about(1, opening=(True, True, False, False))
    [ada], [ben] = (truth(questions.scene, row)[0] for row in (0, 1))
    pictures = torch.tensor([1.0, 0.0, 1.0, 0.0])[:, None, None, None].expand(-1, 3, 128, 128)
    faces = [verdict_of(ada)] * 4
    assert judged(questions, *faces, pictures=pictures)["copying"] == [1.0, 0.0, 0.0, 1.0]
    nobody_or_two = judged(questions, verdict_of(), verdict_of(ada, ben), *faces[2:], pictures=pictures)["copying"]
    assert [math.isnan(value) for value in nobody_or_two] == [True, True, False, False]


def test_without_a_reader_of_expressions_nothing_is_said_of_the_mouth():
    questions = asked_about(1)
    faces = [verdict_of(truth(questions.scene, row)[0][0]) for row in range(4)]
    values = judge_arm(Says(*faces), None, torch.zeros(4, 3, 128, 128), questions)
    assert "copying" not in values
    assert values["identity"] == [1.0] * 4


def test_blending_is_how_far_two_faces_agree_beyond_the_two_people():
    questions = asked_about(2)
    ada, ben = truth(questions.scene, 0)[0]
    alike = sum(ada[place] == ben[place] for place in (SKIN, HAIR_COLOUR, EYES)) / 3
    seen = verdict_of(ada, ada), verdict_of(ada, ben), verdict_of(ada), verdict_of(ada, ben, ben)
    first, second, *rest = judged(replace(questions, scene=repeated(questions.scene)), *seen)["blending"]
    assert first == pytest.approx(1 - alike)
    assert second == pytest.approx(0)
    assert alike < 1
    assert all(map(math.isnan, rest))


def repeated(scene):
    """Pictures of the first picture's people."""
    return replace(scene, plan=replace(scene.plan, codes=scene.codes[:1].expand_as(scene.codes)))


def test_a_picture_is_clear_where_the_judge_is_sure_and_shows_somebody():
    questions = asked_about(1)
    [ada], seen = truth(questions.scene, 0)
    sure = verdict_of(ada, **seen)
    even = {name: torch.zeros_like(answers).log_softmax(-1) for name, answers in sure.people.items()}
    shown = judged(questions, sure, replace(sure, people=even), verdict_of(), sure)["clear"]
    assert shown[0] == shown[3] > 0.95
    assert shown[1] == pytest.approx(
        sum(
            [1 / answers.shape[-1] for answers in even.values()]
            + [float(a.exp().max()) for a in sure.backdrop.values()]
        )
        / (len(even) + 2)
    )
    assert shown[2] == pytest.approx(
        sum(float(a.exp().max()) for a in sure.backdrop.values()) / (len(even) + 2), abs=0.01
    )


def test_what_is_wrong_is_counted_by_its_name():
    questions = asked_about(1)
    true = [truth(questions.scene, row) for row in range(4)]
    [ada], seen = true[0]
    other = [*ada[:SKIN], (ada[SKIN] + 1) % 6, *ada[SKIN + 1 :]]
    wrong = seen | {"tint": (seen["tint"] + 1) % 4}
    values = judged(questions, verdict_of(other, **wrong), verdict_of(), *(verdict_of(*c, **s) for c, s in true[2:]))
    assert (values["skin"][:2], values["eyes"][:2]) == ([0.0, 0.0], [1.0, 0.0])
    assert values["identity"] == pytest.approx([2 / 3, 0, 1, 1])
    assert values["text"][0] == pytest.approx(6 / 7)  # people, pattern, tint, side, noun, clothing, accessory
    assert values["recognised"][1:] == [0.0, 1.0, 1.0]


class Sees:
    """Stands for previews: finds a head in the left upper quarter of a picture that is not black."""

    def boxes(self, picture):
        return torch.tensor([[0.1, 0.1, 0.4, 0.4]]) if picture.any() else torch.zeros(0, 4)


def test_only_what_changed_outside_of_heads_counts():
    other = torch.full((3, 3, 64, 64), 0.5)
    other[2] = 0
    pictures = other.clone()
    pictures[0, :, 10:22, 10:22] += 0.3  # inside
    pictures[1, :, 50:60, 10:20] += 0.3
    inside, outside, nobody = change_outside(pictures, other, Sees())
    assert inside == 0
    whole = 1000 * 0.3**2 * 100 / (64 * 64)  # if no pixel were left out
    assert whole < outside < 1.6 * whole
    assert math.isnan(nobody)
