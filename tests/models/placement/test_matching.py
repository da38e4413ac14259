"""Whose mask is which."""

import numpy as np
import pytest
import torch
from likeness.models.errors import InvalidSettingError
from likeness.models.face.types import Face
from likeness.models.placement.matching import match_people

SIZE = (80, 120)  # of the picture, pixels; masks have a tenth of it


def columns(*spans):
    masks = torch.zeros(len(spans), 8, 12)
    for mask, (start, end) in zip(masks, spans, strict=True):
        mask[:, start:end] = 1
    return masks


def face(left, right, top=10, bottom=40):
    return Face(
        box=np.float32([left, top, right, bottom]),
        points=np.zeros((5, 2), np.float32),
        score=1.0,
        crop=np.zeros((224, 224, 3), np.uint8),
        index=0,
        image_index=0,
        image_size=SIZE,
    )


def test_masks_go_from_left_to_right():
    right, left = masks = columns((8, 12), (0, 4))
    found = match_people(masks, 2)
    assert torch.equal(found.masks, torch.stack([left, right]))
    assert found.owners == (0, 1)
    assert found.has_face == (False, False)


def test_masks_with_a_face_come_first():
    """A chair on the left is segmented too; both people have faces."""
    masks = columns((0, 3), (4, 7), (8, 12))
    found = match_people(masks, 2, [face(90, 110), face(45, 65)])
    assert found.owners == (-1, 0, 1)
    assert found.has_face == (False, True, True)
    assert torch.equal(found.masks, masks[1:])


def test_whoever_has_no_face_takes_a_mask_without():
    """Somebody is seen from behind: masks still go from left to right."""
    found = match_people(columns((0, 4), (4, 8), (8, 12)), 2, [face(50, 70)])
    assert found.owners == (0, 1, -1)


def test_a_face_belongs_to_the_mask_that_contains_most_of_it():
    masks = columns((0, 6), (6, 12))
    assert match_people(masks, 1, [face(50, 80)]).owners == (-1, 0)
    assert match_people(masks, 1, [face(40, 65)]).owners == (0, -1)


def test_two_faces_in_one_mask_leave_it_to_the_surer_one():
    masks = columns((0, 5), (6, 12))
    found = match_people(masks, 2, [face(0, 40), face(42, 49)])
    assert found.has_face == (True, False)
    assert found.owners == (0, 1)


def test_an_explicit_order_wins():
    masks = columns((0, 3), (4, 7), (8, 12))
    found = match_people(masks, 2, [face(45, 65)], order=" 3, 1 ")
    assert found.owners == (1, -1, 0)
    assert torch.equal(found.masks, masks[[2, 0]])


@pytest.mark.parametrize("order", ["1", "1 1", "1 4", "0 1", "one two", "1 2 3", "1 " + "9" * 5000])
def test_an_order_that_names_no_region_is_refused(order):
    with pytest.raises(InvalidSettingError, match="write 2 different numbers from 1 to 3"):
        match_people(columns((0, 3), (4, 7), (8, 12)), 2, order=order)


def test_more_people_than_masks():
    with pytest.raises(InvalidSettingError, match="There are 3 people and 2 masks"):
        match_people(columns((0, 3), (4, 7)), 3)
    found = match_people(columns((0, 3), (4, 7)), 3, extra="nowhere")
    assert found.owners == (0, 1)
    assert found.masks.shape == (3, 8, 12)
    assert not found.masks[2].any()


def test_masks_that_show_nothing_do_not_count():
    masks = torch.cat([torch.zeros(1, 8, 12), columns((2, 5))])
    assert match_people(masks, 1).regions.shape == (1, 8, 12)
    with pytest.raises(InvalidSettingError, match="None of the masks shows anything"):
        match_people(torch.zeros(2, 8, 8), 1)


def test_a_mask_of_one_pixel_and_a_face_beyond_the_edge():
    masks = torch.zeros(1, 1, 1)
    masks[:] = 0.5
    assert match_people(masks, 1, [face(100, 130)]).owners == (0,)
