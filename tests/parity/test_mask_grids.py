import pytest
import torch
from likeness.models.placement.masks import to_grid
from likeness.tests.parity.ip_adapter.mask_grids import as_diffusers, as_ipadapter_plus


@pytest.fixture
def mask():
    """Half of the columns, 2 to 3."""
    mask = torch.zeros(1, 24, 36)
    mask[..., 18:] = 1
    return mask


def test_guesses_that_are_right_give_the_same_places(mask):
    expected = to_grid(mask, (4, 6))
    assert torch.equal(as_ipadapter_plus(mask, (8, 12), 24), expected)
    assert torch.equal(as_diffusers(mask, 24), to_grid(mask, (4, 6), mode="bicubic"))


def test_bicubic_values_leave_the_range_of_masks(mask):
    steep = as_diffusers(mask.roll(-1, -1), 10 * 15)
    assert steep.min() < -0.005
    assert steep.max() > 1.01


def test_wrong_guesses_are_filled(mask):
    """29 positions of a square are taken for 6 rows of 4."""
    ones = torch.ones(1, 24, 24)
    assert as_diffusers(ones, 29).round(decimals=4).tolist() == [[1.0] * 24 + [0.0] * 5]
    assert as_ipadapter_plus(ones, (24, 24), 29).round(decimals=4).tolist() == [[0.0] * 2 + [1.0] * 24 + [0.0] * 3]


def test_every_mask_is_on_its_own(mask):
    both = as_diffusers(torch.cat([mask, 1 - mask]), 24)
    torch.testing.assert_close(both.sum(0), torch.ones(24))


def test_a_mask_far_wider_than_the_grid_is_one_row():
    assert as_diffusers(torch.ones(1, 2, 400), 6).round(decimals=4).tolist() == [[1.0] * 6]
