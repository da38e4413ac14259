"""What the judge looks at, and what it makes of what its networks say; the networks are stand-ins."""

from __future__ import annotations

import pytest
import torch
from likeness.miniature.judge import judge
from likeness.miniature.judge.judge import SMALLEST, Judge
from likeness.miniature.judge.readers import (
    PERSON,
    new_backdrop_reader,
    new_person_reader,
)
from likeness.models.face.types import Detection
from likeness.models.miniature.finder import FaceFinder
from torch import nn

SIZE = 128


def face(x, y, reach):
    """Five points as they stand in a face with its middle there and half a head's height of so many pixels."""
    return torch.tensor([x, y]) + reach * torch.tensor(
        [[-0.32, -0.12], [0.32, -0.12], [0.0, 0.245], [-0.25, 0.62], [0.25, 0.62]]
    )


class ReadsGrey(nn.Module):
    """Answers with the brightness of what it sees, one of four."""

    def __init__(self):
        super().__init__()
        self.questions = {"level": 4}

    def forward(self, pixels):
        level = (pixels.mean((1, 2, 3)) * 4).long().clamp(max=3)
        return {"level": 5 * nn.functional.one_hot(level, 4).float()}


def detection(x, height, score=0.9):
    box = torch.tensor([x - height / 2, 64 - height / 2, x + height / 2, 64 + height / 2])
    return Detection(box.numpy(), face(float(x), 64.0, height / 2).numpy(), score)


@pytest.fixture
def read(monkeypatch):
    """A function: what is found in each picture to what the judge makes of it; the pictures grow brighter."""

    def read(*found):
        pictures = torch.linspace(0.1, 0.9, len(found))[:, None, None, None].expand(-1, 3, SIZE, SIZE)
        faces = iter(found)
        monkeypatch.setattr(judge, "find_faces", lambda finder, picture, lowest: next(faces))
        return Judge(finder=nn.Identity(), persons=ReadsGrey(), backdrops=ReadsGrey()).read(pictures)

    return read


def test_faces_are_told_from_left_to_right(read):
    [verdict] = read([detection(90, 30, 0.95), detection(20, 30, 0.7), detection(60, 30)])
    assert verdict.count == 3
    torch.testing.assert_close(verdict.points[:, :, 0].mean(1), torch.tensor([20.0, 60.0, 90.0]))


def test_faces_too_small_to_count_are_passed_over(read):
    small = SMALLEST * SIZE
    [verdict] = read([detection(30, small - 0.1), detection(60, small + 0.1)])
    assert verdict.points[:, 2, 0].tolist() == [60]


def test_everybody_is_read_in_their_own_picture(read):
    verdicts = read([detection(30, 30)], [], [detection(30, 30), detection(80, 30)], [detection(50, 30)])
    assert [verdict.count for verdict in verdicts] == [1, 0, 2, 1]
    assert [verdict.answers("level").tolist() for verdict in verdicts] == [[0], [], [2, 2], [3]]
    assert [int(verdict.backdrop["level"].argmax()) for verdict in verdicts] == [0, 1, 2, 3]
    for verdict in verdicts:
        torch.testing.assert_close(verdict.people["level"].exp().sum(-1), torch.ones(verdict.count))
        assert float(verdict.backdrop["level"].exp().sum()) == pytest.approx(1)


def test_pictures_without_a_face_are_read_too(read):
    for verdict in read([], []):
        assert verdict.points.shape == (0, 5, 2)
        assert verdict.answers("level").shape == (0,)


def test_nobody_is_read_by_the_true_networks_without_an_error():
    """They have learned nothing but to find no face."""
    finder = FaceFinder()
    with torch.no_grad():
        finder.state_dict()["head.1.bias"][0] = -50
    untrained = Judge(finder=finder, persons=new_person_reader(), backdrops=new_backdrop_reader())
    [verdict] = untrained.read(torch.full((1, 3, SIZE, SIZE), 0.5))
    assert verdict.count == 0
    assert {name: len(said) for name, said in verdict.people.items()} == dict.fromkeys(PERSON, 0)
