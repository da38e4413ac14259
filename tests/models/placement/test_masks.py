"""Masks on their way to a layer's grid, and what is no mask."""

from __future__ import annotations

import math

import pytest
import torch
from likeness.models.errors import BadImageError, InvalidSettingError, ShapeError
from likeness.models.placement.masks import check_mask, ellipse, for_rows, to_grid
from likeness.models.port.attention import Crop


def ramp(height, width):
    """From 0 on the left to 1 on the right."""
    return torch.linspace(0, 1, width).expand(1, height, width)


def test_a_mask_comes_to_the_grid_row_by_row():
    mask = torch.zeros(1, 8, 8)
    mask[:, :4, 4:] = 1
    assert to_grid(mask, (2, 2)).tolist() == [[0, 1, 0, 0]]


@pytest.mark.parametrize(("mode", "between"), [("bilinear", True), ("nearest", False)])
def test_only_bilinear_masks_have_values_between(mode, between):
    mask = torch.zeros(1, 1, 3)
    mask[..., 1:] = 1
    got = to_grid(mask, (1, 12), mode=mode)[0]
    assert bool(((got > 0) & (got < 1)).any()) == between


def test_a_crop_is_cut_out_before_the_mask_is_resized():
    right = Crop(top=0, left=6, height=8, width=2, full_height=8, full_width=8)
    cut = to_grid(ramp(80, 80), (4, 2), right)
    torch.testing.assert_close(cut, to_grid(ramp(80, 80)[..., 60:], (4, 2)))
    assert cut.min() > 0.75


def test_a_crop_of_a_mask_smaller_than_the_latent_keeps_a_pixel():
    last = Crop(top=7, left=7, height=1, width=1, full_height=8, full_width=8)
    mask = torch.tensor([[[0.0, 0.25], [0.5, 1.0]]])
    assert to_grid(mask, (1, 1), last).item() == 1


def test_every_row_of_a_batch_takes_its_pictures_mask(call):
    masks = torch.stack([torch.full((4, 4), value) for value in (0.25, 0.5)])
    rows = for_rows(masks, call((2, 3), samples=(0, 1, 2, 1)))
    assert rows.shape == (4, 6)
    assert rows[:, 0].tolist() == [0.25, 0.5, 0.25, 0.5]


def test_one_mask_is_that_of_every_row_in_the_layers_type(call):
    rows = for_rows(torch.ones(1, 4, 4, dtype=torch.float64), call((2, 2), samples=(0, 1, 2)))
    assert rows.dtype == torch.float32
    assert torch.equal(rows, torch.ones(3, 4))


def test_a_flat_mask_gets_its_axis_and_others_stay_as_they_are():
    assert check_mask(torch.ones(3, 5), "Ann").shape == (1, 3, 5)
    mask = torch.ones(2, 3, 5)
    assert check_mask(mask, "Ann") is mask


@pytest.mark.parametrize("shape", [(4,), (1, 1, 4, 4)])
def test_a_mask_with_other_axes_is_refused_by_name(shape):
    with pytest.raises(ShapeError, match=r'mask of "Ann" has shape .*expected \(H, W\)'):
        check_mask(torch.ones(shape), "Ann")


@pytest.mark.parametrize("mask", [torch.ones(0, 4), torch.full((2, 2), math.nan), torch.full((2, 2), math.inf)])
def test_an_empty_mask_and_one_that_is_no_number_are_refused(mask):
    with pytest.raises(InvalidSettingError, match='mask of "Ann" is empty or holds NaN'):
        check_mask(mask, "Ann")


@pytest.mark.parametrize("dtype", [torch.bool, torch.uint8, torch.int64])
def test_a_mask_of_bools_or_integers_becomes_one_of_floats(dtype):
    found = check_mask(torch.ones(3, 5).to(dtype), "Ann")
    assert found.dtype == torch.float32
    assert found.mean() == 1


@pytest.mark.parametrize(
    "mask", [torch.ones(3, 5, device="meta"), torch.ones(3, 5).to_sparse(), torch.ones(3, 5) * 1j, [[1.0]], "mask"]
)
def test_a_mask_that_cannot_be_computed_with_is_refused_by_name(mask):
    with pytest.raises(BadImageError, match=r'^The mask of "Ann" is a '):
        check_mask(mask, "Ann")


def test_a_mask_of_absurd_size_is_refused():
    with pytest.raises(BadImageError, match="scale it down first"):
        check_mask(torch.ones(1, 1).expand(20_000, 20_000), "Ann")


def test_an_ellipse_fills_its_box_by_a_quarter_of_pi():
    box = torch.tensor([0.2, 0.1, 0.6, 0.9])
    mask = ellipse(box, (200, 400))
    assert mask.unique().tolist() == [0, 1]
    assert mask.mean() == pytest.approx(math.pi / 4 * 0.4 * 0.8, rel=0.01)
    rows, columns = mask.nonzero().unbind(1)
    assert (rows.min() / 200, (rows.max() + 1) / 200) == (pytest.approx(0.1, abs=0.01), pytest.approx(0.9, abs=0.01))
    assert (columns.min() / 400, (columns.max() + 1) / 400) == (
        pytest.approx(0.2, abs=0.03),
        pytest.approx(0.6, abs=0.03),
    )


def test_its_axes_are_those_of_the_box_in_cells():
    mask = ellipse(torch.tensor([0.0, 0.0, 1.0, 1.0]), (9, 9))
    assert mask[4].tolist() == [1] * 9
    assert mask[0].tolist() == [0, 0, 1, 1, 1, 1, 1, 0, 0]
    assert torch.equal(mask, mask.flip(0))
    assert torch.equal(mask, mask.T)


def test_a_box_without_size_holds_nothing():
    assert not ellipse(torch.tensor([0.3, 0.3, 0.3, 0.3]), (8, 8)).any()
