"""Sizes of nodes on the page."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import likeness
import pytest
from likeness.tests.tools.workflows.definitions import definitions
from likeness.tests.tools.workflows.graphs import built, real_nodes
from likeness.tools.workflows.graph import Graph
from likeness.tools.workflows.sizes import SHOWN_HEIGHTS, size_of
from likeness.tools.workflows.write import WORKFLOWS

# What the classic canvas takes: 20 for each row of sockets, 24 for each widget, 220 at least for a picture.
ROW, WIDGET = 20, 24
BY_NAME = {"ADDS_PERSON": "LikenessAddPerson", "ADDS_CARD": "LikenessLoadIdentityCard"}  # constants of host/people.py
LEAST = {"LikenessShowRoutingMap": 300, "LikenessShowGuidance": 330}
SHOWS = re.compile(r"PreviewImage\(|applied_output\(|_face_results\(")


def showing() -> set[str]:
    """Ids of our nodes that send pictures to their own place on the page."""
    found: set[str] = set()
    for path in (Path(likeness.__path__[0]) / "nodes").rglob("*.py"):
        text = path.read_text("utf-8")
        for each in ast.parse(text).body:
            source = ast.get_source_segment(text, each) or ""
            if isinstance(each, ast.ClassDef) and SHOWS.search(source):
                [named] = re.findall(r"node_id=(\S+),", source)
                found.add(BY_NAME.get(named) or named.strip('"'))
    return found


SHOWING = showing()


def test_every_node_that_shows_a_picture_has_room_reserved():
    assert {"LikenessDetectFaces", "LikenessSaveIdentityCard", "LikenessApplyIPAdapter"} <= SHOWING
    assert SHOWING - SHOWN_HEIGHTS.keys() == set()


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
