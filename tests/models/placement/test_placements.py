"""Placements partition: no weight below zero, rows never above one, masks override."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from likeness.models.placement.placements import Everywhere, Masks, MasksFirst, combine
from likeness.models.port.attention import AttentionSite, Crop

SITE = AttentionSite(kind="cross", block=("input", 1, 0), index=1, channels=8, path="")


@settings(max_examples=60, deadline=None)
@given(
    grid=st.tuples(st.integers(1, 19), st.integers(1, 19)),
    people=st.integers(1, 8),
    masked=st.integers(0, 8),
    size=st.tuples(st.integers(1, 40), st.integers(1, 40)),
    seed=st.integers(0, 99),
)
def test_rows_sum_to_at_most_one(call, grid, people, masked, size, seed):
    generator = torch.Generator().manual_seed(seed)
    drawn = (torch.rand(8, 1, *size, generator=generator) - 0.3).clamp(0, 1)
    masks = tuple(drawn[place] if place < masked else None for place in range(people))
    others = Everywhere(people - masked) if masked < people else None
    weights = combine(masks, others)(SITE, call(grid))
    assert weights.shape == (1, grid[0] * grid[1], people)
    assert weights.min() >= 0
    assert weights.sum(-1).max() <= 1 + 1e-5


def test_everywhere_is_one_in_all(call):
    weights = Everywhere(4)(SITE, call((3, 5), samples=(0, 1)))
    assert torch.equal(weights, torch.full((2, 15, 4), 0.25))


def test_masks_share_overlaps_and_leave_empty_areas_to_nobody(call):
    first, second = torch.zeros(2, 1, 8, 8)
    first[..., :4], second[..., 2:6] = 1, 1
    weights = Masks((first, second))(SITE, call((8, 8))).view(8, 8, 2)
    assert weights[0, :, 0].tolist() == [1, 1, 0.5, 0.5, 0, 0, 0, 0]
    assert weights[0, :, 1].tolist() == [0, 0, 0.5, 0.5, 1, 1, 0, 0]


def test_masks_override_the_other_placement_only_where_they_are(call):
    mask = torch.zeros(1, 4, 4)
    mask[:, :2] = 0.5
    weights = combine((None, mask, None), Everywhere(2))(SITE, call((4, 4))).view(4, 4, 3)
    assert weights[0, 0].tolist() == [0.25, 0.5, 0.25]
    assert weights[3, 0].tolist() == [0.5, 0, 0.5]


def test_people_without_a_mask_need_a_placement():
    with pytest.raises(ValueError, match="need a placement"):
        combine((torch.ones(1, 2, 2), None), None)


def test_every_picture_of_a_batch_has_its_mask(call):
    masks = torch.stack([torch.zeros(2, 2), torch.ones(2, 2)])
    weights = Masks((masks,))(SITE, call((2, 2), samples=(0, 1, 2)))
    assert weights[:, 0, 0].tolist() == [0, 1, 0]


def test_a_cropped_row_sees_its_part_of_the_mask(call):
    mask = torch.zeros(1, 16, 16)
    mask[:, :, 8:] = 1
    right = Crop(top=0, left=8, height=16, width=8, full_height=16, full_width=16)
    assert Masks((mask,))(SITE, call((16, 8), crop=right)).min() == 1
    weights = MasksFirst((mask,), (1,), (0,), Everywhere(1))(SITE, call((16, 8), crop=right))
    assert weights[0, 0].tolist() == [0, 1]  # the second person has the mask, and the first what it leaves
