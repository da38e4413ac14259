"""The colours of people."""

import itertools
import math

from likeness.models.records.palette import colour_of, rgb_of


def test_any_two_of_eight_people_can_be_told_apart():
    colours = [colour_of(place) for place in range(8)]
    assert min(math.dist(*pair) for pair in itertools.combinations(colours, 2)) > 0.2


def test_pillows_colour_is_the_same_one():
    for place in range(5):
        assert rgb_of(place) == tuple(round(255 * part) for part in colour_of(place))
