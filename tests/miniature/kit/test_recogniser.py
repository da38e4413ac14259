"""The judge's vectors: one for the same answers, less where answers differ."""

from __future__ import annotations

import pytest
import torch
from likeness.miniature.judge.file import read_judge
from likeness.miniature.judge.scores import IDENTITY
from likeness.miniature.kit.people import SEED
from likeness.miniature.kit.recogniser import JudgeRecogniser
from likeness.miniature.world.people.identity import ATTRIBUTES
from likeness.miniature.world.world import World
from likeness.models.face.analysis import find_faces
from likeness.models.miniature.files import JUDGE
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
