from __future__ import annotations

import torch
from likeness.miniature.recipe.emphasis import PARTS, part_weights
from likeness.miniature.world.world import World
from torch.nn.functional import avg_pool2d


def test_each_part_of_each_person_weighs_as_much_as_the_picture():
    scene = World(seed=3, with_regions=True).scenes(range(6), people=(2, 2))
    weights = part_weights(scene)
    assert weights.shape == (6, 1, 16, 16)
    assert weights.min() >= 1
    beyond = (weights[:, 0] - 1).flatten(1)
    expected = torch.zeros(6)
    for person in range(2):
        for part in PARTS:
            area = avg_pool2d(scene.regions[:, person, list(part)].sum(1)[:, None], 8).sum((1, 2, 3))
            expected += 256 * area / (area + 1) / 2
    torch.testing.assert_close(beyond.sum(1), expected)


def test_eyes_weigh_most_where_they_are_and_the_backdrop_least():
    scene = World(seed=3, with_regions=True).scenes(range(4))
    weights = part_weights(scene)[:, 0]
    eyes = avg_pool2d(scene.regions[:, 0, 4:6].sum(1)[:, None], 8)[:, 0]
    nobody = avg_pool2d(scene.instances, 8)[:, 0] == 0
    assert (weights[nobody] == 1).all()
    for picture in range(4):
        assert eyes[picture].flatten()[weights[picture].argmax()] > 0.1
