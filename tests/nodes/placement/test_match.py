"""Match People: masks in the order of the people, and what is shown of them."""

from __future__ import annotations

import inspect

import numpy as np
import pytest
import torch
from likeness.models.errors import InvalidSettingError
from likeness.models.face.types import Face, FaceSet
from likeness.tests.people import crowd

pytestmark = pytest.mark.comfy

SIZE = (80, 120)


@pytest.fixture
def match(execute):
    from likeness.nodes.placement.match import MatchPeople

    return lambda **inputs: execute(MatchPeople, **({"people": crowd(2)} | inputs))


def columns(*spans):
    masks = torch.zeros(len(spans), *SIZE)
    for mask, (start, end) in zip(masks, spans, strict=True):
        mask[:, start:end] = 1
    return masks


def faces_at(*lefts):
    """Faces of 20 pixels in one picture, as Detect Faces gives them."""
    found = [
        Face(
            box=np.float32([left, 10, left + 20, 40]),
            points=np.zeros((5, 2), np.float32),
            score=1.0,
            crop=np.zeros((224, 224, 3), np.uint8),
            index=number,
            image_index=0,
            image_size=SIZE,
        )
        for number, left in enumerate(lefts)
    ]
    return FaceSet(images=(np.full((*SIZE, 3), 200, np.uint8),), faces=tuple(found))


def test_masks_come_in_the_order_of_the_people_and_are_shown(match, shown):
    right, left = masks = columns((80, 120), (0, 40))
    output = match(masks=masks)
    found, preview = output.result
    assert torch.equal(found, torch.stack([left, right]))
    assert preview.shape[0] == 1
    assert preview.shape[1] > preview.shape[2] * SIZE[0] / SIZE[1], "a legend below the picture"
    assert shown(output) == 1


def test_masks_without_a_face_are_taken_last(match):
    left, middle, right = masks = columns((0, 30), (45, 75), (90, 120))
    faces = faces_at(50, 95)
    assert torch.equal(match(masks=masks).result[0], torch.stack([left, middle]))
    assert torch.equal(match(masks=masks, faces=faces).result[0], torch.stack([middle, right]))


def test_the_order_wins(match):
    left, right = masks = columns((0, 40), (80, 120))
    assert torch.equal(match(masks=masks, order="2 1").result[0], torch.stack([right, left]))
    with pytest.raises(InvalidSettingError, match='order is "1 1"; write 2 different numbers from 1 to 2'):
        match(masks=masks, order="1 1")


def test_more_people_than_masks_are_an_error_or_nowhere(match):
    masks = columns((0, 40))
    with pytest.raises(InvalidSettingError, match="There are 2 people and 1 masks"):
        match(masks=masks)
    first, second = match(masks=masks, extra_people="nowhere").result[0]
    assert torch.equal(first, masks[0])
    assert not second.any()


def test_the_picture_of_the_faces_is_what_the_preview_shows(match):
    masks = columns((0, 40), (80, 120))
    without, within = (match(masks=masks, **given).result[1] for given in ({}, {"faces": faces_at(10, 90)}))
    middle = within.shape[2] // 2  # between both people
    assert float(within[0, 10, middle, 0]) == pytest.approx(200 / 255, abs=0.01)
    assert float(without[0, 10, middle, 0]) < 0.3


def test_what_it_gives_is_what_place_people_takes(match, execute):
    from likeness.nodes.placement.place import PlacePeople

    found = match(masks=columns((80, 120), (0, 40))).result[0]
    first, second = execute(PlacePeople, by="masks", masks=found, people=crowd(2)).result[0].masks
    assert torch.equal(torch.cat([first, second]), found)


def test_what_is_rarely_touched_is_folded():
    from comfy_api.latest import io
    from likeness.nodes.placement.match import MatchPeople

    folded = [each.id for each in MatchPeople.define_schema().inputs if getattr(each, "advanced", None)]
    assert folded == (["extra_people"] if "advanced" in inspect.signature(io.Combo.Input).parameters else [])
