"""The weights that ship: what the judge sees in what they draw, above fixed floors."""

from __future__ import annotations

import pytest
import torch

pytest.importorskip("diffusers")
pytest.importorskip("open_clip")

from likeness.miniature.ablations.arms import Arm, Renderer, draw_arm
from likeness.miniature.ablations.judging import judge_arm
from likeness.miniature.ablations.questions import new_questions
from likeness.miniature.judge.file import read_judge
from likeness.miniature.judge.readers import new_expression_reader
from likeness.miniature.judge.scores import CHANCE
from likeness.miniature.networks.checkpoint import read_base
from likeness.miniature.networks.faces import read_faces
from likeness.miniature.studio.drawing import Settings
from likeness.models.ip_adapter.checkpoint import load as load_faceid
from likeness.models.miniature.files import BASE, FACES, IP_ADAPTER, JUDGE, OMNIPORTRAIT, UNIPORTRAIT, read_uniportrait
from likeness.models.omniportrait.checkpoint import load as load_pivot
from likeness.training.batches.feature_store import FeatureStore

pytestmark = pytest.mark.slow

COUNT = 16  # pictures of every arm
TRUE = 96  # that the world itself draws
GUESSED = sum(CHANCE) / len(CHANCE)
FLOOR = {1: 0.65, 2: 0.5}  # by number of people: share of skin, hair colour and eyes that are right
PIVOT_FLOOR = 0.4
FACEID_FLOOR = {1: 0.65, 2: 0.6}  # of two people, each in a half of the picture
TEXT_FLOOR = 0.7


@pytest.fixture(scope="module")
def judged(tmp_path_factory):
    """Means of every metric by arm; true pictures beside them."""
    base, judge = read_base(BASE), read_judge(JUDGE)
    networks, faces = read_faces(FACES)
    renderer = Renderer(
        base=base,
        finder=networks.finder,
        nobody=faces.nobody(),
        settings=Settings(),
        store=FeatureStore(tmp_path_factory.mktemp("drawn"), holds_nan=True),
    )
    adapter = read_uniportrait(UNIPORTRAIT, dtype=torch.float32)
    arms = [
        Arm(name="plain"),
        Arm(name="adapter", adapter=adapter),
        Arm(name="shuffled", adapter=adapter, is_shuffled=True),
    ]
    pivot = load_pivot(OMNIPORTRAIT)
    faceid = load_faceid(IP_ADAPTER, dtype=torch.float32)
    arms += [
        Arm(name="FaceID", adapter=adapter, faceid=faceid, choice="halves"),
        Arm(name="shuffled FaceID", adapter=adapter, faceid=faceid, choice="halves", is_shuffled=True),
        Arm(name="FaceID by the router", adapter=adapter, faceid=faceid),
    ]
    pivots = [Arm(name="pivot", pivot=pivot), Arm(name="shuffled pivot", pivot=pivot, is_shuffled=True)]
    means = {}
    for people in (1, 2):
        asked = new_questions(faces, count=COUNT, people=people, channels=base.unet.config["in_channels"])
        for arm in (*arms, *(pivots if people == 1 else ())):
            pictures = draw_arm(renderer, arm, asked).pictures(base)
            means[people, arm.name] = mean(judge_arm(judge, new_expression_reader(), pictures, asked))
        drawn = new_questions(faces, count=TRUE, people=people, channels=base.unet.config["in_channels"])
        means[people, "true"] = mean(judge_arm(judge, new_expression_reader(), drawn.scene.image, drawn))
    return means


def mean(values):
    return {name: torch.tensor(each).nanmean().item() for name, each in values.items()}


@pytest.mark.long
@pytest.mark.parametrize("people", [1, 2])
def test_the_judge_sees_what_is_there(judged, people):
    for name in ("identity", "skin", "hair colour", "eyes", "text", "recognised"):
        assert judged[people, "true"][name] >= 0.97


@pytest.mark.long
@pytest.mark.parametrize("people", [1, 2])
def test_people_come_into_the_picture_and_only_those_who_were_shown(judged, people):
    assert judged[people, "adapter"]["identity"] > FLOOR[people]
    assert judged[people, "plain"]["identity"] < GUESSED + 0.2
    assert judged[people, "shuffled"]["identity"] < GUESSED + 0.2
    assert judged[people, "adapter"]["text"] > TEXT_FLOOR


@pytest.mark.long
@pytest.mark.parametrize("people", [1, 2])
def test_the_vector_of_a_face_brings_the_person_in(judged, people):
    assert judged[people, "FaceID"]["identity"] > FACEID_FLOOR[people]
    assert judged[people, "shuffled FaceID"]["identity"] < GUESSED + 0.2
    assert judged[people, "FaceID"]["text"] > TEXT_FLOOR


@pytest.mark.long
def test_the_router_places_people_of_faceid(judged):
    assert judged[2, "FaceID by the router"]["identity"] > FLOOR[2]


@pytest.mark.long
def test_a_row_of_the_prompt_brings_in_only_who_was_shown(judged):
    assert judged[1, "pivot"]["identity"] > PIVOT_FLOOR
    assert judged[1, "shuffled pivot"]["identity"] < GUESSED + 0.15
    assert judged[1, "pivot"]["text"] > TEXT_FLOOR
