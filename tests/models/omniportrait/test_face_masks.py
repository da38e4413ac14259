"""People found by their faces."""

from __future__ import annotations

import pytest
import torch
from likeness.models.errors import InvalidSettingError
from likeness.models.omniportrait.face_masks import FaceMasks
from likeness.tests.models.omniportrait.small_steps import LEFT, RIGHT, SIDE, blob, people, step


def test_faces_are_given_from_left_to_right():
    source = FaceMasks(lambda latent: [torch.tensor([RIGHT, LEFT])])
    masks = source.find(people(), step())[:, 0]
    assert torch.equal(masks[0], blob(LEFT))
    assert torch.equal(masks[1], blob(RIGHT))


def test_faces_are_given_to_whom_they_are_most_alike():
    features = torch.randn(1, 8, SIDE, SIDE)
    left, right = (features[0].flatten(1).T[blob(box).flatten() > 0] for box in (LEFT, RIGHT))
    source = FaceMasks(lambda latent: [torch.tensor([LEFT, RIGHT])], order="most alike")
    masks = source.find(people(features=(right, left)), step(features=features))[:, 0]
    assert torch.equal(masks[0], blob(RIGHT))
    assert torch.equal(masks[1], blob(LEFT))


def test_a_look_is_taken_every_few_steps_and_kept_where_too_few_faces_are_seen():
    looks = []

    def look(latent):
        looks.append(len(looks))
        return [torch.tensor([LEFT, RIGHT])] if len(looks) == 1 else [torch.zeros(0, 4)]

    source, memory = FaceMasks(look, every=2), {}
    found = [source.find(people(), step(memory=memory)) for _ in range(5)]
    assert len(looks) == 3
    assert found[0].any()
    assert all(torch.equal(each, found[0]) for each in found)
    assert not FaceMasks(lambda latent: [torch.zeros(0, 4)]).find(people(), step()).any()


def test_a_look_never_is_refused():
    with pytest.raises(InvalidSettingError, match="every is 0"):
        FaceMasks(lambda latent: [], every=0)
