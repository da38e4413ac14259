"""Sizes of nodes on the page."""

from __future__ import annotations

import pytest
from likeness.tests.tools.workflows.definitions import definitions
from likeness.tests.tools.workflows.graphs import built, real_nodes
from likeness.tools.workflows.graph import Graph
from likeness.tools.workflows.sizes import size_of
from likeness.tools.workflows.write import WORKFLOWS

# What the classic canvas takes: 20 for each row of sockets, 24 for each widget, 220 at least for a picture.
ROW, WIDGET = 20, 24
LEAST = {"LikenessShowRoutingMap": 300, "LikenessShowGuidance": 330}
SHOWING = (
    "LikenessAddPerson",
    "LikenessApplyConsistentID",
    "LikenessApplyReferenceGuidance",
    "LikenessApplyUniPortrait",
    "LikenessDetectFaces",
    "LikenessEncodeConsistentIDPrompt",
    "LikenessParseFace",
    *LEAST,
)


@pytest.mark.parametrize("name", WORKFLOWS)
def test_nodes_that_show_a_picture_have_room_for_it_below_their_widgets(name):
    for node in real_nodes(built(name)):
        rows = sum(entry.rows for entry in node.widgets)
        needed = ROW * max(len(node.sockets), len(node.outputs)) + WIDGET * rows
        needed += LEAST.get(node.kind, 220) if node.kind in SHOWING else 0
        assert size_of(node)[1] >= needed, node.kind


def test_a_longer_note_is_taller_and_addresses_do_not_count():
    graph = Graph("notes", definitions())
    short, long, linked = (
        size_of(graph.note("note", text))[1]
        for text in ("word " * 10, "word " * 100, "word [word](https://example.org/" + "x" * 400 + ")")
    )
    assert linked == short < long
