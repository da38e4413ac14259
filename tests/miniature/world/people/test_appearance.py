"""How people look in one picture."""

from __future__ import annotations

from dataclasses import fields

import torch
from likeness.miniature.world.palette import WHITE
from likeness.miniature.world.people.appearance import CLOSED, GAIN, OPENING, SLOPE, WARMTH, Pose
from likeness.miniature.world.people.identity import identities
from likeness.miniature.world.plan import plan_scenes


def test_one_person_of_some_pictures_keeps_all_of_their_pose():
    names = [field.name for field in fields(Pose)]
    values = torch.rand(len(names), 5, 3, generator=torch.Generator().manual_seed(0)).double()
    pose = Pose(**dict(zip(names, values, strict=True)))
    one = pose.of(torch.tensor([4, 0]), 2)
    for name, value in zip(names, values, strict=True):
        assert torch.equal(getattr(one, name), value[[4, 0], 2])


def test_white_in_the_strongest_light_is_not_clipped():
    assert float(WHITE.max()) * GAIN[1] * (1 + WARMTH) * (1 + SLOPE) < 1


def test_mouths_are_closed_or_open_by_a_length_that_is_seen():
    opening = plan_scenes(3, range(300), (1, 1), identities("train")).pose.opening
    is_open = opening > 0
    assert abs(float((~is_open).float().mean()) - CLOSED) < 0.1
    assert opening[is_open].min() >= OPENING[0]
    assert opening.max() <= OPENING[1]
