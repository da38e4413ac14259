"""Arms of the experiments: drawn as the studio draws, and judged by what verdicts say."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
import torch

pytest.importorskip("diffusers")

from likeness.miniature.ablations import arms as module
from likeness.miniature.ablations.arms import Arm, draw_arm, judge_arm
from likeness.miniature.ablations.questions import Questions, new_questions
from likeness.miniature.identity import EYES, HAIR_COLOUR, SKIN
from likeness.miniature.networks.checkpoint import read_base
from likeness.miniature.networks.faces import read_faces
from likeness.miniature.studio.drawing import Settings, decode, draw_latents
from likeness.miniature.studio.studio import Shot, Studio
from likeness.miniature.world import World
from likeness.models.miniature.uniportrait_file import read_uniportrait
from likeness.models.uniportrait.features import ReferenceFeatures
from likeness.models.uniportrait.identity import Identities, Identity
from likeness.tests.miniature.small_files import IMAGE_TOKENS, write_files
from likeness.tests.miniature.verdicts import truth, verdict_of
from likeness.training.image_encoder import image_tokens

FEW = Settings(steps=2)
COUNT = 3
SCALE = 0.6


@pytest.fixture(scope="module")
def studio(tmp_path_factory):
    paths = write_files(tmp_path_factory.mktemp("small"))
    networks, faces = read_faces(paths["faces"])
    adapter = read_uniportrait(paths["uniportrait"], dtype=torch.float32)
    return Studio(base=read_base(paths["base"]), finder=networks.finder, faces=faces, adapter=adapter)


@pytest.fixture(scope="module")
def questions(studio):
    return {people: new_questions(studio.faces, count=COUNT, people=people, channels=4) for people in (1, 2)}


def draw(studio, arm, questions):
    return draw_arm(studio.base, arm, questions, studio.faces.nobody(), FEW)


def arm(studio, **settings):
    return Arm(name="an arm", adapter=studio.adapter, structure_scale=SCALE, **settings)


def chain(studio, questions, row):
    """The people of a question as the studio would have read them from portraits."""
    nothing = image_tokens(studio.faces.image_encoder, torch.zeros(1, 3, 224, 224))
    people = [
        Identity(
            name=f"person {number}",
            features=ReferenceFeatures(intrinsic=intrinsic[None], structure=structure[None]),
            strength=1.0,
        )
        for number, (intrinsic, structure) in enumerate(
            zip(questions.intrinsic[row], questions.structure[row], strict=True)
        )
    ]
    return Identities(people=tuple(people), null_clip_tokens=nothing)


@pytest.mark.parametrize("rows", [16, 2], ids=["together", "in parts"])
@pytest.mark.parametrize("people", [1, 2])
def test_an_arm_draws_every_question_as_the_studio_would(studio, questions, monkeypatch, people, rows):
    monkeypatch.setattr(module, "ROWS", rows)
    asked = questions[people]
    pictures, _ = draw(studio, arm(studio), asked)
    plain, _ = draw(studio, Arm(name="plain", adapter=None), asked)
    assert (pictures - plain).abs().amax((1, 2, 3)).min() > 0.01
    for row, caption in enumerate(asked.scene.captions):
        with monkeypatch.context() as patched:
            people_of_row = chain(studio, asked, row)
            patched.setattr(Studio, "people", lambda self, shot, given=people_of_row: given)
            portraits = tuple(asked.references[row])  # only their number counts here
            noise = asked.noise[row : row + 1]
            shot = Shot(prompt=caption.text, noise=noise, references=portraits, structure_scale=SCALE)
            latents, _ = studio.draw(shot, FEW)
        torch.testing.assert_close(pictures[row : row + 1], decode(studio.base, latents), atol=1e-4, rtol=0)


def test_without_an_adapter_the_base_draws_alone(studio, questions):
    asked = questions[1]
    pictures, entropy = draw(studio, Arm(name="plain", adapter=None), asked)
    prompts = [caption.text for caption in asked.scene.captions]
    assert torch.equal(pictures, decode(studio.base, draw_latents(studio.base, prompts, asked.noise, FEW)))
    assert math.isnan(entropy)


def test_arms_differ_by_choice_structure_and_what_is_done_to_features(studio, questions):
    asked = questions[2]
    drawn = [
        draw(studio, each, asked)
        for each in (
            arm(studio),
            arm(studio, choice="softmax"),
            arm(studio, choice="everybody"),
            arm(studio, look=lambda part: part.mean(2, keepdim=True).expand_as(part)),
            replace(arm(studio), structure_scale=0.0),
        )
    ]
    for place, (pictures, entropy) in enumerate(drawn):
        assert all((pictures - other).abs().max() > 1e-3 for other, _ in drawn[:place])
        assert math.isnan(entropy) if place == 2 else 0 < entropy < math.log(2)


def asked_about(people, opening=(False, False, False, False)):
    """Four questions of a world, with nothing but what the judging needs."""
    nothing = torch.zeros(4, people, IMAGE_TOKENS, 1)
    return Questions(
        scene=World(seed=5).scenes(range(4), people=(people, people)),
        noise=torch.zeros(4, 4, 2, 2),
        intrinsic=nothing,
        structure=nothing,
        opening=torch.tensor(opening)[:, None].expand(-1, people),
        references=torch.zeros(4, people, 3, 8, 8),
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
