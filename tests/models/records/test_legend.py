"""The strip below a picture."""

import itertools
import math

import numpy as np
import pytest
from likeness.models.records.legend import GROUND, LegendLine, colour_of, draw_legend, letters_for, rgb_of

RED, GREEN = (255, 0, 0), (0, 255, 0)


def test_any_two_of_eight_people_can_be_told_apart():
    colours = [colour_of(place) for place in range(8)]
    assert min(math.dist(*pair) for pair in itertools.combinations(colours, 2)) > 0.2


def test_pillows_colour_is_the_same_one():
    for place in range(5):
        assert rgb_of(place) == tuple(round(255 * part) for part in colour_of(place))


def strip(*lines, width=300):
    return np.asarray(draw_legend(lines, width)).astype(int)


@pytest.mark.parametrize("width", [64, 300, 512, 2048])
def test_letters_are_ten_pixels_or_more_where_the_picture_is_shown_300_wide(width):
    assert letters_for(width) * min(1, 300 / width) >= 10


def test_every_line_has_its_square_in_order():
    legend = strip(LegendLine("Ann: 5%", RED), LegendLine("skipped: 2"), LegendLine("Ben: 7%", GREEN))
    red, green = (np.nonzero((legend == colour).all(-1)) for colour in (RED, GREEN))
    assert red[0].max() < legend.shape[0] / 3
    assert green[0].min() > legend.shape[0] / 2
    assert np.array_equal(np.unique(red[1]), np.unique(green[1]))


def test_a_long_line_is_cut_inside_the_strip():
    legend = strip(LegendLine("a very long name " * 20, RED))
    assert (legend[:, -6:] == GROUND).all()
    assert (legend[:, 200:280].max(-1) > 200).any()
