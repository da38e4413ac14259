"""The picture of who was placed where."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from likeness.models.errors import BadImageError
from likeness.models.records.legend import colour_of
from likeness.models.records.placements import PlacementMaps
from likeness.models.records.routing_map import GROUND, NOBODY, draw, find_winners, person_masks

NAMES = ("Ann", "Ben")


def maps_of(*lefts, names=NAMES, grid=(8, 8)):
    """A picture for each weight that the first person has on the left; the second has the rest, and all of the right."""
    maps = torch.zeros(len(lefts), len(names), *grid)
    for number, left in enumerate(lefts):
        maps[number, 0, :, : grid[1] // 2] = left
        maps[number, 1, :, : grid[1] // 2] = 1 - left
        maps[number, 1, :, grid[1] // 2 :] = 1
    return PlacementMaps(names, maps)


def nearest_person(pixel):
    return min(range(3), key=lambda place: float((pixel - torch.tensor(colour_of(place))).norm()))


def test_every_picture_of_a_batch_shows_its_own_places():
    pictures = draw(maps_of(1.0, 0.0))
    assert [nearest_person(picture[4, 4]) for picture in pictures] == [0, 1]
    assert [nearest_person(picture[4, 60]) for picture in pictures] == [1, 1]


def test_a_clear_win_is_coloured_more_strongly_than_a_close_one():
    clear, close = draw(maps_of(1.0, 0.55))[:, 4, 4]
    saturations = [float(pixel.max() - pixel.min()) for pixel in (clear, close)]
    assert nearest_person(clear) == nearest_person(close) == 0
    assert saturations[0] > 1.5 * saturations[1] > 0.1


def test_a_place_of_nobody_has_no_colour():
    maps = maps_of(1.0)
    maps.maps[..., 4:] = 0
    pixel = draw(maps)[0, 4, 60]
    torch.testing.assert_close(pixel, torch.full((3,), GROUND), atol=0.01, rtol=0)


def test_over_a_picture_its_light_and_dark_stay_visible_and_nobodys_places_grey():
    image = torch.zeros(1, 96, 160, 3)
    image[:, 48:] = 0.9
    maps = maps_of(1.0)
    maps.maps[:, 1] = 0
    [picture] = draw(maps, image=image)
    assert picture.shape[1:] == (160, 3)
    dark, light = picture[4, 4], picture[92, 4]
    assert (light - dark).min() > 0.2
    assert [nearest_person(pixel) for pixel in (dark, light)] == [0, 0]
    torch.testing.assert_close(picture[4, 156], torch.zeros(3), atol=0.01, rtol=0)


def test_two_pictures_are_drawn_over_the_pictures_of_the_batch_in_turn():
    image = torch.stack([torch.zeros(64, 64, 3), torch.ones(64, 64, 3)])
    dark, light, again = draw(maps_of(1.0, 1.0, 1.0), image=image)
    assert (light[4, 4] - dark[4, 4]).min() > 0.2
    assert torch.equal(dark, again)


def test_what_is_no_picture_is_refused():
    with pytest.raises(BadImageError):
        draw(maps_of(1.0), image=torch.zeros(64, 64))


def letters_in(picture, top, bottom):
    """Heights of the lines of light letters between two rows."""
    light = (picture[top:bottom].amin(-1) > 0.4).any(1)
    return np.diff(np.flatnonzero(np.diff(np.r_[False, light.numpy(), False])))[::2]


@pytest.mark.parametrize("width", [300, 512, 1024])
def test_names_and_legend_can_be_read_when_the_picture_is_shown_300_wide(width):
    """A line of letters with ascenders and descenders is as high as the font's size says, less its leading."""
    size = (width, width)
    [picture] = draw(maps_of(1.0, names=("Ayl", "Byl")), size)
    legend = letters_in(picture, width, len(picture))
    assert len(legend) == 2
    assert min(legend) * 300 / width >= 9
    name = letters_in(picture[:, : width // 2 - 5], 0, width)
    assert max(name) * 300 / width >= 9


def test_the_legend_says_who_is_nowhere():
    together = PlacementMaps(("Ann", "Ben"), torch.stack([torch.full((4, 4), 0.6), torch.full((4, 4), 0.4)])[None])
    apart = PlacementMaps(("Ann", "Ben"), maps_of(1.0, grid=(4, 4)).maps)
    nowhere, somewhere = (draw(maps, (240, 240))[0, 240:] for maps in (together, apart))
    written = [int((each[each.shape[0] // 2 :].amin(-1) > 0.5).sum()) for each in (nowhere, somewhere)]
    assert written[0] > 2 * written[1]  # a sentence in place of a share
    on_the_map = [int((draw(maps, (240, 240))[0, :240].amin(-1) > 0.9).sum()) for maps in (together, apart)]
    assert on_the_map[0] < on_the_map[1]  # one name, and no border


def test_the_legend_says_how_much_a_router_chose_as_before():
    maps = maps_of(1.0)
    silent, told = draw(maps, (240, 240)), draw(replace(maps, equal_choices=0.97), (240, 240))
    assert [len(letters_in(each[0], 240, each.shape[1])) for each in (silent, told)] == [2, 3]
    assert torch.equal(told[:, :240], silent[:, :240])
    assert not torch.equal(told, draw(replace(maps, equal_choices=0.5), (240, 240)))


def test_names_of_any_length_and_many_people_are_drawn():
    names = ("x" * 10_000, "<img onerror=1>", "Zoë\nof two lines", "", *(f"person {number}" for number in range(12)))
    maps = PlacementMaps(names, torch.rand(1, 16, 4, 4, generator=torch.Generator().manual_seed(0)) / 16)
    [picture] = draw(maps, (64, 64))
    assert picture.shape[1] == 64
    assert torch.isfinite(picture).all()


def test_masks_are_as_large_as_the_picture_and_in_order():
    masks = person_masks(maps_of(1.0, 0.25), (48, 80))
    assert masks.shape == (4, 48, 80)
    assert masks[:, 0, 0].tolist() == [1, 0, 0.25, 0.75]
    torch.testing.assert_close(masks[0] + masks[1], torch.ones(48, 80))
    assert 0 < masks[0, 0, 38] < 1  # bilinear between positions
    assert person_masks(maps_of(1.0)).shape == (2, 64, 64)


def halves(left, right, size=(8, 8)):
    """Two people: weights of the left half and of the right one."""
    maps = torch.zeros(2, *size)
    maps[:, :, : size[1] // 2] = torch.tensor(left)[:, None, None]
    maps[:, :, size[1] // 2 :] = torch.tensor(right)[:, None, None]
    return maps


def test_the_strongest_wins_by_what_the_second_lacks():
    winners = find_winners(halves((0.7, 0.3), (0.1, 0.9)), (8, 8))
    assert winners.people[:, :4].unique().tolist() == [0]
    assert winners.people[:, 4:].unique().tolist() == [1]
    torch.testing.assert_close(winners.margins[0], torch.tensor([0.4] * 4 + [0.8] * 4))


def test_what_is_missing_to_one_is_nobodys_and_can_win():
    winners = find_winners(halves((0.3, 0.1), (0.5, 0.1)), (8, 8))
    assert winners.people[0].tolist() == [NOBODY] * 4 + [0] * 4
    torch.testing.assert_close(winners.margins[0], torch.tensor([0.3] * 4 + [0.1] * 4))


def test_between_positions_weights_are_bilinear():
    winners = find_winners(halves((0.75, 0.25), (0.0, 1.0), size=(1, 2)), (4, 16))
    # from the middle of the left position to that of the right one, where both have a half at a third of the way
    assert winners.people[0].tolist() == [0] * 7 + [1] * 9
    assert winners.margins[0, 3] == pytest.approx(0.5)
    assert winners.margins[0, 6] < winners.margins[0, 5] < winners.margins[0, 4]


def test_a_name_stands_inside_the_larger_of_two_areas():
    maps = torch.zeros(1, 40, 60)
    maps[0, 2:6, 2:6] = 1
    maps[0, 15:38, 30:58] = 1
    middle = find_winners(maps, (80, 120)).middle_of(0)
    assert middle is not None
    y, x = middle
    assert abs(y - 53) < 8
    assert abs(x - 88) < 8


def test_a_name_stands_on_a_ring_and_not_in_its_hole():
    side = torch.linspace(-1, 1, 48)
    distance = (side[:, None] ** 2 + side[None] ** 2).sqrt()
    maps = ((distance < 0.9) & (distance > 0.5)).float()[None]
    winners = find_winners(maps, (48, 48))
    assert winners.people[winners.middle_of(0)] == 0


def test_who_wins_nothing_has_no_middle():
    winners = find_winners(halves((0.9, 0.1), (0.9, 0.1)), (8, 8))
    assert winners.middle_of(1) is None
    assert winners.middle_of(0) is not None


@pytest.mark.parametrize("width", [1, 3])
def test_borders_are_lines_where_areas_meet(width):
    borders = find_winners(halves((1.0, 0.0), (0.0, 1.0), size=(8, 16)), (8, 16)).borders(width)
    assert borders.shape == (8, 16)
    assert borders.sum(1).tolist() == [width] * 8
    assert borders[:, 8].all()
