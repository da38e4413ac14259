from __future__ import annotations

import pytest
import torch
from likeness.models.omniportrait.person_masks import disjoint_masks, feather, positions_inside


def test_a_place_that_two_claim_goes_to_the_higher_claim_and_a_draw_to_the_first():
    soft = torch.tensor([[0.9, 0.6, 0.2, 1.0], [0.3, 0.8, 0.7, 1.0]])[:, None, None]
    masks = disjoint_masks(soft)[:, 0, 0]
    assert masks.tolist() == [[True, False, False, True], [False, True, True, False]]


def test_a_grid_takes_what_is_mostly_inside_and_of_a_small_mask_what_it_touches():
    mask = torch.zeros(2, 4, 4, dtype=torch.bool)
    mask[0, :2, :3] = True
    mask[1, 0, 0] = True
    inside = positions_inside(mask, (2, 2))
    assert inside[0].tolist() == [True, True, False, False]
    assert inside[1].tolist() == [True, False, False, False]
    assert not positions_inside(torch.zeros(1, 4, 4, dtype=torch.bool), (2, 2)).any()


def test_edges_are_soft_over_one_cell():
    mask = torch.zeros(1, 4, 6, dtype=torch.bool)
    mask[..., :3] = True
    soft = feather(mask)[0, 0, 1]
    assert soft[:2].tolist() == [1, 1]
    assert soft[2].item() == pytest.approx(2 / 3)
    assert soft[3].item() == pytest.approx(1 / 3)
    assert soft[4:].tolist() == [0, 0]
