"""The picture under Match People."""

import numpy as np
import pytest
import torch
from likeness.models.placement.matching import match_people
from likeness.models.records.legend import rgb_of
from likeness.models.records.matched_people import LARGEST, SMALLEST, matched_sheet


def halves():
    masks = torch.zeros(3, 8, 12)
    for place, mask in enumerate(masks):
        mask[:, 4 * place : 4 * place + 4] = 1
    return masks


def test_regions_are_in_the_colours_of_their_people():
    sheet = matched_sheet(match_people(halves(), 2), ["Ada", "Bob"], np.zeros((400, 600, 3), np.uint8))
    assert sheet.shape[2:] == (600, 3)
    colour = (255 * sheet[0, 20, [50, 250, 550]]).round().int().tolist()
    assert np.allclose(colour[0], np.array(rgb_of(0)) / 2, atol=1)
    assert np.allclose(colour[1], np.array(rgb_of(1)) / 2, atol=1)
    assert np.allclose(colour[2], [75, 75, 75], atol=1)


@pytest.mark.parametrize("size", [(3, 4), (3000, 200)])
def test_it_can_be_read_at_any_size(size):
    sheet = matched_sheet(match_people(halves(), 3), ["a", "b", "c"], np.zeros((*size, 3), np.uint8))
    assert sheet.shape[2] <= LARGEST
    assert max(sheet.shape[1:3]) >= SMALLEST
    assert matched_sheet(match_people(halves(), 4, extra="nowhere"), list("abcd"), None).isfinite().all()
