from __future__ import annotations

import pytest
import torch
from likeness.models.errors import ShapeError
from likeness.models.placement.region_mask import clean_mask, is_credible, normalise, refine

SIDE = 12


def disc(row, column, radius):
    y, x = torch.meshgrid(torch.arange(SIDE), torch.arange(SIDE), indexing="ij")
    return ((y - row) ** 2 + (x - column) ** 2 <= radius**2).flatten()


def attention_among(parts):
    """Self-attention in which every position attends to the part that it belongs to."""
    alike = sum(part.float()[:, None] * part.float()[None] for part in parts)
    return (alike + 1e-3) / (alike + 1e-3).sum(-1, keepdim=True)


def test_one_bright_spot_spreads_over_the_whole_face():
    face = disc(5, 5, 3)
    cross = torch.rand(SIDE**2, generator=torch.Generator().manual_seed(0)) * 0.3
    cross[5 * SIDE + 5] = 1.0
    soft, mask = refine(cross, attention_among([face, ~face]))
    assert torch.equal(mask, face)
    assert (soft.min(), soft.max()) == (0, 1)


def test_refinement_is_the_equation():
    generator = torch.Generator().manual_seed(1)
    cross = torch.rand(30, generator=generator)
    attention = torch.rand(30, 30, generator=generator).softmax(-1)

    def scaled(values):
        return (values - values.min()) / (values.max() - values.min())

    sharp = scaled(scaled(cross) ** 3) ** 3
    soft, mask = refine(cross, attention, gamma=2, alpha=3.0, beta=0.7)
    torch.testing.assert_close(soft, scaled(attention @ sharp))
    assert torch.equal(mask, soft > 0.7)


def test_attention_that_is_equal_everywhere_marks_nothing():
    soft, mask = refine(torch.full((9,), 0.2), torch.full((9, 9), 1 / 9))
    assert not soft.any()
    assert not mask.any()
    assert normalise(torch.full((3,), 5.0)).tolist() == [0, 0, 0]


def test_maps_that_do_not_belong_together_are_refused():
    with pytest.raises(ShapeError, match="self_attention"):
        refine(torch.zeros(9), torch.zeros(9, 8))


def test_cleaning_keeps_the_largest_part_without_holes_and_one_cell_wider():
    mask = torch.zeros(9, 9, dtype=torch.bool)
    mask[2:5, 2:5] = True
    mask[3, 3] = False  # a hole
    mask[7, 7] = True  # a speck
    found = clean_mask(mask)
    expected = torch.zeros(9, 9, dtype=torch.bool)
    expected[2:5, 1:6] = expected[1:6, 2:5] = True
    assert torch.equal(found, expected)
    assert not clean_mask(torch.zeros(4, 4, dtype=torch.bool)).any()


def test_masks_of_no_size_and_attention_to_nothing_are_not_credible():
    focused, flat = torch.zeros(100), torch.full((100,), 0.01)
    focused[:5] = 0.2
    face = torch.arange(100) < 20
    assert is_credible(face, focused)
    assert not is_credible(face, flat)
    assert not is_credible(torch.zeros(100, dtype=torch.bool), focused)
    assert not is_credible(torch.ones(100, dtype=torch.bool), focused)
