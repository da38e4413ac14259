"""Where nodes stand."""

from __future__ import annotations

import pytest
from likeness.tests.tools.workflows.definitions import definitions
from likeness.tests.tools.workflows.geometry import frames, node_rectangles, overlaps
from likeness.tests.tools.workflows.graphs import built, real_nodes
from likeness.tools.workflows.facestudio import sweeps
from likeness.tools.workflows.formats import to_ui
from likeness.tools.workflows.graph import Graph
from likeness.tools.workflows.layout import Group, place_groups
from likeness.tools.workflows.write import WORKFLOWS

WINDOW = (1840, 980)  # what a window of 1920 × 1080 leaves for the graph


@pytest.mark.parametrize("name", WORKFLOWS)
def test_no_two_nodes_and_no_two_frames_overlap(name):
    ui = to_ui(built(name))
    assert overlaps(node_rectangles(ui)) == []
    assert overlaps(frames(ui)) == []


@pytest.mark.parametrize("name", WORKFLOWS)
def test_every_node_lies_in_one_titled_frame(name):
    ui = to_ui(built(name))
    assert all(group["title"] for group in ui["groups"])
    for left, top, right, bottom in node_rectangles(ui):
        inside = [f for f in frames(ui) if f[0] <= left and f[1] <= top and right <= f[2] and bottom <= f[3]]
        assert len(inside) == 1


@pytest.mark.parametrize("name", [name for name in WORKFLOWS if "group" not in name and name not in sweeps.WORKFLOWS])
def test_a_template_is_readable_as_a_whole_which_is_how_comfyui_opens_it(name):
    placed = frames(to_ui(built(name)))
    width, height = max(frame[2] for frame in placed), max(frame[3] for frame in placed)
    assert min(WINDOW[0] / width, WINDOW[1] / height) >= 0.55


@pytest.mark.parametrize("name", WORKFLOWS)
def test_a_saved_view_shows_the_first_column_at_a_readable_scale(name):
    ui = to_ui(built(name))
    view = ui["extra"]["ds"]
    assert view["scale"] >= 0.6
    left, top, right, _ = frames(ui)[0]
    shown = [(at + shift) * view["scale"] for at, shift in zip((left, top), view["offset"], strict=True)]
    assert all(80 <= each <= 150 for each in shown)
    assert (right + view["offset"][0]) * view["scale"] < 1280


@pytest.mark.parametrize("name", WORKFLOWS)
def test_links_run_from_left_to_right_or_down(name):
    for node in real_nodes(built(name)):
        for socket in node.sources.values():
            assert socket.node.position[0] <= node.position[0] or "group" in name, (socket.node.title, node.title)


def test_groups_of_a_column_stand_below_each_other_and_columns_side_by_side():
    graph = Graph("groups", definitions())
    a, b, c = (Group(title, [[graph.note(title, "text")]]) for title in "abc")
    right, bottom = place_groups([[a, b], [c]], (10, 20))
    assert a.bounding[:2] == (10, 20)
    assert (b.bounding[0], c.bounding[1]) == (10, 20)
    assert b.bounding[1] > a.bounding[1] + a.bounding[3]
    assert c.bounding[0] > a.bounding[0] + a.bounding[2]
    assert right > c.bounding[0] + c.bounding[2]
    assert bottom > b.bounding[1] + b.bounding[3]
