"""What networks that find faces learn from, and how wrong an answer is."""

from __future__ import annotations

import pytest
import torch

pytest.importorskip("diffusers")

from likeness.miniature.recipe.steps.finder import found_loss
from likeness.miniature.world.world import World
from likeness.models.miniature.finder import CELL, VALUES, read_cells

WORLD = World(seed=4)


@pytest.fixture(scope="module")
def scene():
    return WORLD.scenes(range(8), people=(1, 3))


def answer(scene):
    """What a network that knows everything says."""
    said = torch.zeros(len(scene.image), VALUES, 16, 16)
    said[:, 0] = -30
    for picture, person in scene.present.nonzero().tolist():
        box, points = scene.boxes[picture, person], scene.points[picture, person] + 0.5
        column, row = ((box[:2] + box[2:]) / 2 / CELL).long().tolist()
        middle = (torch.tensor([column, row]) + 0.5) * CELL
        said[picture, 0, row, column] = 30
        said[picture, 1:, row, column] = ((torch.cat((box.view(2, 2), points)) - middle) / CELL).flatten()
    return said


def test_a_perfect_answer_costs_nothing_and_every_fault_something(scene):
    perfect = answer(scene)
    there = (perfect[:, 0] > 0).nonzero()[0]
    missed, invented, shifted, further = (perfect.clone() for _ in range(4))
    missed[there[0], 0, there[1], there[2]] = -3
    invented[0, 0, 0, 0] = 3
    shifted[:, 1::2] += 0.5
    further[:, 1::2] += 1
    costs = [float(found_loss(said, scene)) for said in (perfect, shifted, further, missed, invented)]
    assert costs[0] < 1e-4
    assert 0.1 < costs[1] < costs[2]
    assert costs[3] > 3 * costs[4] > 3e-3  # of few cells with a face each counts more than one without


def test_lengths_count_where_faces_are_and_nowhere_else(scene):
    said = answer(scene)
    empty = (said[:, :1] < 0).expand(-1, VALUES, -1, -1).clone()
    empty[:, 0] = False
    said[empty] = 7.0
    assert float(found_loss(said, scene)) < 1e-4


def test_the_loss_and_the_reading_of_cells_speak_of_the_same_places(scene):
    scores, lengths = read_cells(answer(scene))
    for picture in range(len(scene.image)):
        there = scores[picture] > 0.5
        found = lengths[picture][there]
        found = found[found[:, 0].argsort()]
        expected = torch.cat((scene.boxes[picture], (scene.points[picture] + 0.5).flatten(1)), 1)[
            scene.present[picture]
        ]
        torch.testing.assert_close(found, expected[expected[:, 0].argsort()], atol=1e-3, rtol=0)
