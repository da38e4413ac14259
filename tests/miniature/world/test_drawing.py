from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from likeness.miniature.world import canvas, chance, drawing, palette, plan
from likeness.miniature.world.layout import Reach
from likeness.miniature.world.people.identity import EYES, HAIR_COLOUR, SKIN
from likeness.miniature.world.regions import FACE_REGIONS, Region
from likeness.miniature.world.world import World

WORLD = World(seed=11, with_regions=True)
PICTURES = 32
EVERYWHERE = Reach(20, 20, 20)
LIPS_AND_EARS = [Region.UPPER_LIP, Region.LOWER_LIP, Region.LEFT_EAR, Region.RIGHT_EAR]
PAINTED = {  # attribute → regions that take its colour, the largest first
    SKIN: [Region.SKIN, Region.NOSE, Region.NECK, *LIPS_AND_EARS],
    HAIR_COLOUR: [Region.HAIR, Region.LEFT_BROW, Region.RIGHT_BROW],
    EYES: [Region.LEFT_EYE, Region.RIGHT_EYE],
}


def draw(people, codes=None):
    return WORLD.scenes(range(PICTURES), people=(people, people), codes=codes)


@pytest.fixture(scope="module", params=[1, 2, 3, 4])
def scene(request):
    return draw(request.param)


def test_regions_divide_the_face_and_the_person(scene):
    assert torch.allclose(scene.regions.sum(2), scene.instances, atol=1e-6)
    assert torch.allclose(scene.regions[:, :, list(FACE_REGIONS)].sum(2), scene.faces, atol=1e-6)
    assert scene.regions.min() > -1e-6
    assert scene.instances.sum(1).max() < 1 + 1e-6


@pytest.mark.parametrize("attribute", PAINTED)
def test_a_colour_of_somebody_changes_the_pixels_of_its_regions_and_no_others(scene, attribute):
    codes = scene.codes.clone()
    codes[:, -1, attribute] = (codes[:, -1, attribute] + 1) % 4
    changed = (draw(codes.shape[1], codes).image != scene.image).any(1)
    masks = scene.regions[:, -1, PAINTED[attribute]]
    assert not changed[masks.sum(1) == 0].any()
    share = 0.3 if attribute == EYES else 0.97  # white, pupil and lashes stay; so does a mole
    assert changed[masks[:, 0] > 0.5].float().mean() > share


def test_the_picture_is_the_colours_weighted_by_the_masks(scene):
    clothing = scene.facts.clothing.clone()
    clothing[:, 0] = (clothing[:, 0] + 1) % len(palette.CLOTHING)
    facts = replace(scene.facts, clothing=clothing)
    changed = drawing.draw(replace(scene.plan, facts=facts), WORLD.size, with_regions=False).image
    here, there = (palette.CLOTHING[codes[:, 0]][:, :, None, None] for codes in (scene.facts.clothing, clothing))
    brightness = drawing._brightness(scene.plan.light, torch.arange(PICTURES), WORLD.size)
    full = (there - here) * brightness * scene.regions[:, :1, Region.OTHER]
    share = (changed - scene.image)[full.abs() > 0.01] / full[full.abs() > 0.01]
    assert share.min() > 0.8 - 1e-3  # folds are of a darker colour
    assert share.max() < 1 + 1e-3


def test_nobody_hides_a_face(scene, monkeypatch):
    paint = drawing._paint
    for place in range(scene.codes.shape[1]):

        def paint_one(plan, among, rows, size, *, with_regions, place=place):
            return paint(plan, replace(among, front=(place,)), rows, size, with_regions=with_regions)

        monkeypatch.setattr(drawing, "_paint", paint_one)
        alone = draw(scene.codes.shape[1])
        visible = scene.faces[:, place].sum((-2, -1)) / alone.faces[:, place].sum((-2, -1))
        assert visible.min() > 0.95


def test_in_groups_of_four_somebody_hides_a_part_of_another_body(monkeypatch):
    together = draw(4).instances
    paint = drawing._paint
    monkeypatch.setattr(
        drawing,
        "_paint",
        lambda plan, among, *rest, **options: paint(plan, replace(among, front=among.front[::-1]), *rest, **options),
    )
    assert ((draw(4).instances - together).abs().sum((-2, -1)) > 50).any()


@pytest.mark.parametrize("people", [0, 1, 2, 3, 4], ids=["portrait", "one", "two", "three", "four"])
def test_nothing_is_cut_off_by_the_windows_that_are_painted(people, monkeypatch):
    drawn = plan.draw_scenes if people else plan.draw_portraits

    def draw_extremes(*arguments):
        numbers = drawn(*arguments)
        for name in chance.POSE:
            numbers.person[name] = numbers.person[name].round() * 0.999_999
        return numbers

    monkeypatch.setattr(plan, drawn.__name__, draw_extremes)
    windows = draw(people) if people else WORLD.portraits(range(PICTURES))
    for part in ("FEATURES", "HEAD", "BODY"):
        monkeypatch.setattr(canvas, part, EVERYWHERE)
    whole = draw(people) if people else WORLD.portraits(range(PICTURES))
    assert torch.equal(whole.image, windows.image)
    assert torch.equal(whole.regions, windows.regions)


def test_colours_need_no_clipping():
    images = (WORLD.scenes(range(64), people=(1, 4)).image, WORLD.portraits(range(64)).image)
    assert all(image.min() > 0.01 and image.max() < 1 for image in images)


def test_boxes_are_the_edges_of_the_masks(scene):
    for masks, boxes in ((scene.faces, scene.boxes), (scene.instances, scene.person_boxes)):
        mask, (x0, y0, x1, y1) = masks[0, 0] >= 0.5, boxes[0, 0].int().tolist()
        assert mask[y0:y1, x0:x1].sum() == mask.sum()
        assert mask[y0].any()
        assert mask[y1 - 1].any()
        assert mask[:, x0].any()
        assert mask[:, x1 - 1].any()
