"""The judge's vectors: one for the same answers, less where answers differ."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from likeness.evaluation.metrics.faces import FACE_SIMILARITY, FaceSimilarityConfig
from likeness.evaluation.metrics.metric import Shown
from likeness.evaluation.photos import read_photo
from likeness.miniature.judge.file import read_judge
from likeness.miniature.judge.scores import IDENTITY
from likeness.miniature.kit.built_in import KIT
from likeness.miniature.kit.people import SEED
from likeness.miniature.kit.recogniser import JudgeRecogniser
from likeness.miniature.world.people.identity import ATTRIBUTES
from likeness.miniature.world.world import World
from likeness.models.face.analysis import find_faces
from likeness.models.miniature.files import JUDGE, PORTRAITS
from likeness.models.miniature.finder import FinderDetector

PEOPLE = 6


@pytest.fixture(scope="module")
def seen():
    """Who is on portraits, and the vectors of two takes of each."""
    judge, world = read_judge(JUDGE), World(seed=SEED, split="held out")
    recogniser, detector = JudgeRecogniser(judge), FinderDetector(judge.finder)
    codes = world.scenes(range(PEOPLE), people=(1, 1)).codes[:, 0]
    takes = []
    for take in (0, 1):
        pictures = world.portraits(range(PEOPLE), take=take).arrays()
        faces = [found[0] for found in find_faces(pictures, detector)]
        takes.append(recogniser.vectors(faces, pictures))
    return recogniser, codes, takes


def test_vectors_have_length_root_of_the_questions(seen):
    recogniser, _, (first, _) = seen
    assert first.shape == (PEOPLE, recogniser.width)
    torch.testing.assert_close(first.square().sum(1), torch.full((PEOPLE,), float(len(IDENTITY))))


def test_the_cosine_is_how_many_answers_agree(seen):
    _, codes, (first, second) = seen
    places = [place for place, each in enumerate(ATTRIBUTES) if each.name in IDENTITY]
    agree = (codes[:, None, places] == codes[None, :, places]).float().mean(-1)
    cosines = first @ second.T / len(IDENTITY)
    assert (cosines - agree).abs().mean() < 0.1
    assert cosines.diagonal().min() > cosines.fill_diagonal_(0).mean() + 0.3


def test_known_similarities_of_the_portraits_that_come_with_the_pack():
    """Noted with the judge that ships, on a CPU."""
    metric = FACE_SIMILARITY.make(
        FaceSimilarityConfig(recogniser="judge", detector="judge", negative="keep"), KIT.networks
    )
    first, second = map(read_photo, PORTRAITS)

    def similarity(picture, photo):
        return metric.measure(Shown(picture, "", ((photo,),)))["value"]

    assert similarity(first, first) == pytest.approx(1, abs=1e-4)
    assert similarity(second, first) == pytest.approx(0.004643, abs=1e-4)
    assert similarity(np.ascontiguousarray(first[:, ::-1]), first) == pytest.approx(0.996245, abs=1e-4)
