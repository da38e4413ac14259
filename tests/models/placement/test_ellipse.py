from __future__ import annotations

import math

import pytest
import torch
from likeness.models.placement.ellipse import ellipse


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
