"""Names on pictures: inside, apart, readable."""

import numpy as np
import pytest
from likeness.models.records.routing_map import NamePlate, draw_name_plates, place_box
from PIL import Image

SIZE = (100, 60)
RED = (255, 0, 0)


def drawn(*plates, size=SIZE, letters=12):
    return np.asarray(draw_name_plates(Image.new("RGB", size, (0, 0, 255)), plates, letters)).astype(int)


def meets(one, other):
    return one[0] <= other[2] and other[0] <= one[2] and one[1] <= other[3] and other[1] <= one[3]


def test_a_box_stays_where_there_is_room():
    assert place_box((10, 10, 40, 20), [(50, 10, 90, 20)], SIZE) == (10, 10, 40, 20)


@pytest.mark.parametrize("box", [(-10, -5, 20, 5), (90, 55, 120, 65), (-10, 25, 20, 35)])
def test_a_box_comes_inside(box):
    left, top, right, bottom = place_box(box, [], SIZE)
    assert (right - left, bottom - top) == (30, 10)
    assert left >= 0
    assert top >= 0
    assert right <= SIZE[0]
    assert bottom <= SIZE[1]


@pytest.mark.parametrize("top", [0, 20, 25, 50])
def test_boxes_of_one_place_lie_side_by_side(top):
    taken = []
    for _ in range(3):
        taken.append(place_box((10, top, 40, top + 10), taken, SIZE))
    assert not any(meets(one, other) for n, one in enumerate(taken) for other in taken[:n])
    assert all(each[1] >= 0 and each[3] <= SIZE[1] for each in taken)


def test_a_plate_is_dark_has_white_letters_and_a_rim_of_the_persons_colour():
    picture = drawn(NamePlate("Ann", (30, 50), RED))
    changed = (picture != (0, 0, 255)).any(-1)
    ys, xs = changed.nonzero()
    assert abs(ys.mean() - 30) < 2
    assert abs(xs.mean() - 50) < 2
    assert (picture[changed].sum(1) > 3 * 230).sum() > 20  # letters
    assert ((picture[changed][:, 0] > 200) & (picture[changed][:, 1] < 50)).sum() > 20  # the rim
    assert (picture[changed].sum(1) < 3 * 50).mean() > 0.3  # the plate


def test_a_long_name_is_cut_so_that_it_stays_in_the_picture():
    short, long = (drawn(NamePlate(name, (30, 50), RED)) for name in ("Ann", "Maximiliane Alexandra of Somewhere"))
    widths = [int((picture != (0, 0, 255)).any((0, 2)).sum()) for picture in (short, long)]
    assert widths[0] < widths[1] < 0.9 * SIZE[0]


def test_larger_letters_are_higher():
    heights = [
        int((drawn(NamePlate("Ann", (60, 100), RED), size=(200, 120), letters=n).sum(-1) > 700).any(1).sum())
        for n in (12, 24)
    ]
    assert heights[1] > 1.7 * heights[0] > 0
