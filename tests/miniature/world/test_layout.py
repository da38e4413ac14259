"""Where people stand: from left to right, beside each other, in windows that hold all of them."""

from __future__ import annotations

import math

import pytest
from likeness.miniature.world.layout import ALONE, BODY, FEATURES, GRAIN, HEAD, LAYOUTS, SCENES, SHIFT, Reach
from likeness.miniature.world.people.appearance import SCALE


@pytest.mark.parametrize("layout", LAYOUTS)
def test_people_stand_from_left_to_right_and_everybody_is_painted_once(layout):
    across = [x for x, _ in layout.places]
    assert across == sorted(across)
    assert sorted(layout.front) == list(range(len(layout.places)))


@pytest.mark.parametrize("layout", LAYOUTS)
def test_faces_do_not_meet_however_near_and_large_they_are(layout):
    """A face is at most as wide as a head is high: half of it lies on either side of the middle."""
    reach = 0.9 * layout.scale * (1 + SCALE)
    for number, (x, y) in enumerate(layout.places):
        for other_x, other_y in layout.places[:number]:
            assert math.hypot(x - other_x, y - other_y) - 2 * SHIFT * math.sqrt(2) > 2 * reach


def test_a_number_of_people_has_layouts_of_as_many_places():
    for people, layouts in enumerate(SCENES, 1):
        assert {len(layout.places) for layout in layouts} == {people}
        first = LAYOUTS.index(layouts[0])
        assert LAYOUTS[first : first + len(layouts)] == layouts  # a plan counts on from the first


def test_who_stands_alone_stands_in_the_third_that_the_code_says():
    for side, layout in enumerate(ALONE):
        [(x, _)] = layout.places
        assert side / 3 < x - SHIFT < x + SHIFT < (side + 1) / 3


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("reach", [FEATURES, HEAD, BODY], ids=["features", "head", "body"])
@pytest.mark.parametrize("size", [64, 128, 200])
def test_a_window_holds_what_can_be_painted_in_whole_grains(layout, reach, size):
    for place, (x, y) in enumerate(layout.places):
        rows, columns = layout.window(place, size, reach)
        for edge in (rows, columns):
            assert 0 <= edge.start < edge.stop <= size
            assert edge.start % GRAIN == edge.stop % GRAIN == 0
        wide = SHIFT + reach.aside * layout.scale * (1 + SCALE)
        assert columns.start <= max(x - wide, 0) * size
        assert columns.stop >= min(x + wide, 1) * size
        for scale in (1 - SCALE, 1 + SCALE):
            assert rows.start <= max(y + SHIFT - reach.up * layout.scale * scale, 0) * size
            assert rows.start <= max(y - SHIFT - reach.up * layout.scale * scale, 0) * size
            assert rows.stop >= min(y + SHIFT + reach.down * layout.scale * scale, 1) * size


def test_a_window_is_no_larger_than_it_has_to_be():
    [layout] = [each for each in ALONE if each.places[0][0] == 0.5]
    rows, columns = layout.window(0, 800, Reach(0.5, 0.25, 0.5))
    height, width = (0.02 + share * 0.24 * 1.15 for share in (0.5, 0.25))
    assert rows.stop - rows.start <= 2 * height * 800 + 2 * GRAIN
    assert columns.stop - columns.start <= 2 * width * 800 + 2 * GRAIN
