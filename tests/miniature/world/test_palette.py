from __future__ import annotations

import pytest
import torch
from likeness.miniature.world import palette
from likeness.miniature.world.people.identity import ATTRIBUTES, EYES, HAIR_COLOUR, SKIN
from likeness.miniature.world.world import World
from likeness.tests.miniature.observer import read_colours

WORLD = World(seed=7, with_regions=True)
FACES = 128  # at least so many of each kind of picture


@pytest.mark.parametrize("people", [0, 1, 2, 3, 4], ids=["portrait", "one", "two", "three", "four"])
def test_an_ideal_observer_tells_skin_hair_and_eyes_in_any_light(people):
    right: list[torch.Tensor] = []
    for start in range(0, FACES // max(people, 1), 32):
        indices = range(start, start + 32)
        scene = WORLD.scenes(indices, people=(people, people)) if people else WORLD.portraits(indices)
        right.append((read_colours(scene) == scene.codes[..., [SKIN, HAIR_COLOUR, EYES]]).flatten(0, 1))
    assert (torch.cat(right).float().mean(0) >= 0.97).all()


def test_every_value_has_its_colour():
    for attribute, colours in ((SKIN, palette.SKIN), (HAIR_COLOUR, palette.HAIR), (EYES, palette.EYES)):
        assert len(colours) == len(ATTRIBUTES[attribute].values)
    assert len(palette.CLOTHING) == len(palette.CLOTHING_NAMES)
    assert len(palette.TINTS) == len(palette.TINT_NAMES)
