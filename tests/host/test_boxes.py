"""Boxes as the core's own nodes hand them on, against the core's own reading of them."""

from __future__ import annotations

import asyncio
from importlib import import_module

import pytest
import torch
from likeness.models.placement.boxes import masks_of_boxes
from likeness.tests.models.placement.small_boxes import box

pytestmark = pytest.mark.comfy

WIDTH, HEIGHT = 128, 64
LEFT, RIGHT = box(0, 0, 32, 64), box(96, 0, 32, 64)


@pytest.fixture(scope="module")
def core():
    """The core's module of boxes, where this version has one."""
    try:
        return import_module("comfy_extras.nodes_bounding_boxes")
    except ImportError:
        pytest.skip("this ComfyUI has no nodes for boxes")


@pytest.mark.parametrize("given", [LEFT, [LEFT, RIGHT], [[RIGHT, LEFT]]])
def test_all_forms_mean_what_the_core_takes_them_for(core, given):
    """Its own node flattens a dict, a list and the first picture of a list per picture into one list of boxes."""
    flat = core.boxes_from_input(given, WIDTH, HEIGHT)
    plain = [{side: each[side] for side in ("x", "y", "width", "height")} for each in flat]
    ours, theirs = (masks_of_boxes(each, (HEIGHT, WIDTH), 2) for each in (given, plain))
    for own, other in zip(ours, theirs, strict=True):
        assert (own is None) == (other is None)
        assert own is None or other is None or torch.equal(own, other)


def test_what_the_core_s_nodes_give_is_read(core):
    """One box of the primitive, and the boxes drawn in the editor."""
    images = import_module("comfy_extras.nodes_images")
    [one] = images.BoundingBox.execute(x=96, y=0, width=32, height=64).result
    [mask] = masks_of_boxes(one, (HEIGHT, WIDTH), 1)
    assert mask is not None
    assert mask[0, :, 12:].all()
    regions = [{"x": 0.0, "y": 0.0, "w": 0.25, "h": 1.0}, {"x": 0.75, "y": 0.0, "w": 0.25, "h": 1.0}]
    drawn = core.fractions_to_bbox_frame(regions, WIDTH, HEIGHT)
    left, right = masks_of_boxes(drawn, (HEIGHT, WIDTH), 2)
    assert left is not None
    assert right is not None
    assert torch.equal(right, mask)
    assert torch.equal(left, mask.flip(-1))


def test_the_sockets_are_the_core_s(core):
    from comfy_api.latest import io
    from likeness.nodes.placement import place_inputs

    assert place_inputs.Boxes.io_type == io.BoundingBox.io_type
    assert asyncio.iscoroutinefunction(core.comfy_entrypoint)
