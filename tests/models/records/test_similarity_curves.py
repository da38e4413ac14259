from __future__ import annotations

import math

import pytest
import torch
from likeness.models.port.guidance import Pull
from likeness.models.records.guidance import GuidanceRecord
from likeness.models.records.similarity_curves import PAPER, draw_curves, mask_images


def history(*curves):
    record = GuidanceRecord()
    for number, values in enumerate(zip(*curves, strict=True)):
        pulls = [
            Pull(name, torch.zeros(1), torch.full((1, 1, 2, 3), 0.5), torch.tensor([value]))
            for name, value in zip(("Ann", "Ben"), values, strict=False)
        ]
        record.note(10.0 / (number + 1), pulls)
    return record.history()


def colours(picture):
    """Coloured pixels: not paper, frame or letters, which are grey."""
    pixels = picture[0].flatten(0, 1)
    return int(((pixels.amax(1) - pixels.amin(1)) > 0.2).sum())


def test_a_rising_curve_is_drawn_and_two_are_more():
    one, two = (draw_curves(history(*curves)) for curves in (([0.6, 0.7, 0.8],), ([0.6, 0.7, 0.8], [0.7, 0.6, 0.65])))
    assert one.shape == (1, 432, 768, 3)
    assert colours(two) > 1.3 * colours(one) > 500
    assert one[0, -1, -1].tolist() == pytest.approx([part / 255 for part in PAPER])


@pytest.mark.parametrize("values", [[0.5], [math.nan], [math.nan, math.nan], [math.nan, 0.7, math.nan], [0.5, 0.5]])
def test_runs_in_which_little_was_found_are_drawn_too(values):
    assert torch.isfinite(draw_curves(history(values))).all()


def test_masks_are_as_large_as_the_picture():
    masks = mask_images(history([0.5], [0.6]))
    assert masks.shape == (2, 16, 24)
    assert masks.unique().tolist() == [0.5]
