from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from likeness.models.port.guidance import Pull
from likeness.models.records.guidance import GuidanceRecord
from likeness.models.records.legend import colour_of
from likeness.models.records.similarity_curves import SIZE, draw_curves, mask_images


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
    assert one.shape[1:] < two.shape[1:]  # a line of the legend more
    assert one.shape[2:] == (768, 3)
    assert colours(two) > 1.3 * colours(one) > 500


def test_everybody_has_the_colour_of_their_place():
    plot = draw_curves(history([0.6, 0.7, 0.8], [0.7, 0.6, 0.65]))[0, : SIZE[1]]
    for place in range(2):
        assert ((plot - torch.tensor(colour_of(place))).abs().amax(-1) < 0.02).sum() > 300


def test_numbers_can_be_read_when_the_plot_is_shown_300_wide():
    """The digits left of the axis, which stand alone on their lines."""
    plot = draw_curves(history([0.6, 0.7]))[0, : SIZE[1], :90].amin(-1)
    rows = np.diff(np.flatnonzero(np.diff(np.r_[False, (plot > 0.4).any(1).numpy(), False])))[::2]
    assert rows[0] * 300 / SIZE[0] >= 8  # digits have no descender


def test_the_legend_counts_steps_that_were_not_guided():
    record = history([0.6, 0.7])
    plain, skipped = draw_curves(record), draw_curves(replace(record, skipped=2))
    assert skipped.shape[1] > plain.shape[1]
    assert torch.equal(skipped[:, : SIZE[1]], plain[:, : SIZE[1]])


@pytest.mark.parametrize("values", [[0.5], [math.nan], [math.nan, math.nan], [math.nan, 0.7, math.nan], [0.5, 0.5]])
def test_runs_in_which_little_was_found_are_drawn_too(values):
    assert torch.isfinite(draw_curves(history(values))).all()


def test_masks_are_as_large_as_the_picture():
    masks = mask_images(history([0.5], [0.6]))
    assert masks.shape == (2, 16, 24)
    assert masks.unique().tolist() == [0.5]
