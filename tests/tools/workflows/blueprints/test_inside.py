"""A blueprint under construction."""

from __future__ import annotations

import pytest
from likeness.tests.tools.workflows.definitions import definitions
from likeness.tools.workflows.blueprints.inside import ENTRY, Inside


@pytest.fixture
def inside() -> Inside:
    return Inside("Test", definitions())


def test_what_comes_in_can_be_linked_like_a_node_s_output(inside):
    inside.enter("people", "LIKENESS_PEOPLE")
    image = inside.enter("image", "IMAGE")
    assert (image.node.number, image.slot, image.kind) == (ENTRY, 1, "IMAGE")
    node = inside.graph.add("LikenessDetectFaces", image=image)
    assert node.sources["image"] == image


def test_a_widget_that_is_not_there_is_refused(inside):
    node = inside.graph.add("EmptyLatentImage", width=64, height=64)
    inside.promote(node, "width")
    with pytest.raises(KeyError, match="no widget 'depth'"):
        inside.promote(node, "depth")
    assert inside.promoted == [(node, "width")]
