"""Windows of pictures: masks and records follow the picture, not its place in the window."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
import torch
from likeness.models.placement.placements import Masks
from likeness.tests.host.windowed import PICTURES, STEPS, windowed

pytestmark = pytest.mark.comfy


def window(*pictures, dim=0, **more):
    return {"context_window": SimpleNamespace(index_list=list(pictures), dim=dim, **more)}


@pytest.mark.parametrize(
    ("told", "pictures"),
    [
        ({}, None),
        (window(4, 5, 6), (4, 5, 6)),
        (window(4, 5, causal_anchor_index=3), (3, 4, 5)),
        (window(6, 7, 0, causal_anchor_index=-1), (6, 7, 0)),
        (window(4, 5, dim=2), None),
        ({"ad_params": {"sub_idxs": [2, 4, 6]}}, (2, 4, 6)),
        ({"ad_params": {"sub_idxs": None}}, None),
        ({"ad_params": None, "context_window": None}, None),
    ],
)
def test_both_ways_of_telling_a_window_are_read(told, pictures):
    from likeness.host.unet.windows import pictures_of

    assert pictures_of(told) == pictures


def test_only_windows_of_another_axis_than_the_batch_hold_parts():
    from likeness.host.unet.windows import is_window_of_places

    assert is_window_of_places(window(4, 5, dim=3))
    assert not is_window_of_places(window(4, 5))
    assert not is_window_of_places({})


def test_a_call_about_pictures_of_its_own_is_in_no_window():
    from likeness.host.unet.windows import of_its_own, pictures_of

    told = {**window(4, 5), "ad_params": {"sub_idxs": [4, 5]}, "likeness.step": object(), "sigmas": 1}
    own = {**told, **of_its_own(told)}
    assert pictures_of(own) is None
    assert own["likeness.step"] is None
    assert own["sigmas"] == 1
    assert of_its_own({}) == {}


def sides(side_of):
    """A mask for each picture."""
    masks = torch.zeros(PICTURES, 16, 16)
    for number in range(PICTURES):
        masks[number, :, :8] = side_of(number)
        masks[number, :, 8:] = 1 - side_of(number)
    return masks


@pytest.mark.parametrize("schedule", ["standard_static", "looped_uniform"])
def test_a_picture_is_the_same_with_and_without_windows(tiny_model, people, sample, schedule):
    """Nothing in these UNets joins pictures, so a window changes what a picture gets only where people are misplaced."""
    from likeness.host.unet.attention import inject

    model = tiny_model()
    settings = {"batch": PICTURES, "steps": STEPS}
    masks = (sides(lambda number: number < 2), sides(lambda number: number >= 2))
    patched = inject(model, [people(model, 2, placement=Masks(masks))], name="test")
    whole = sample(patched, **settings)
    in_windows = sample(windowed(patched, context_schedule=schedule), **settings)
    torch.testing.assert_close(in_windows, whole, atol=1e-2, rtol=1e-2)
    other = (sides(lambda number: number % 2 < 1), sides(lambda number: number % 2 > 0))
    elsewhere = inject(model, [people(model, 2, placement=Masks(other))], name="test")
    assert (sample(elsewhere, **settings) - whole).abs().max() > 0.5


def test_the_routing_map_of_a_picture_is_the_same_with_and_without_windows(tiny_model, people, sample):
    from likeness.host.sampling.runs import find_placement_maps
    from likeness.host.unet.attention import inject

    model = tiny_model()
    patched = inject(model, [people(model, 2)], name="test")
    both = (patched, windowed(patched))
    maps = [find_placement_maps(each, sample(each, batch=PICTURES, steps=STEPS)).maps for each in both]
    assert maps[0].shape[0] == PICTURES
    torch.testing.assert_close(maps[1], maps[0], atol=1e-3, rtol=1e-3)
    assert (maps[0][:2] - maps[0][2:]).abs().max() > 0.01


def test_windows_of_rows_of_the_picture_see_their_part_of_a_mask(tiny_model, people, sample):
    """With dim 2 a window is a strip of every picture."""
    from likeness.host.unet.attention import inject

    class Watched(Masks):
        def standing(self, site, call):
            crops.add(call.crop and (call.crop.top, call.crop.height))
            return super().standing(site, call)

    model, crops = tiny_model(), set()
    strips = {"dim": 2, "context_length": 8, "context_overlap": 0, "causal_window_fix": False}
    patched = inject(model, [people(model, 1, placement=Watched((torch.ones(1, 16, 16),)))], name="test")
    sample(windowed(patched, **strips), steps=1)
    assert crops == {(0, 8), (8, 8)}
