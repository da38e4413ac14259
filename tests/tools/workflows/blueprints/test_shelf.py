"""The shipped blueprints as graphs."""

from __future__ import annotations

import pytest
from likeness.tests.tools.workflows.definitions import definitions
from likeness.tests.tools.workflows.graphs import chain, node_of, nodes_of, source
from likeness.tools.workflows.blueprints.shelf import BLUEPRINTS
from likeness.tools.workflows.blueprints.write import build


@pytest.mark.parametrize("name", BLUEPRINTS)
def test_every_end_is_used_and_described(name):
    inside = build(name, definitions())
    used = {each.slot for node in inside.graph.nodes for each in node.sources.values() if each.node is inside.entry}
    assert used == set(range(len(inside.entry.outputs)))
    assert inside.exits
    assert BLUEPRINTS[name].description.endswith(".")
    assert len(BLUEPRINTS[name].aliases) == len(set(BLUEPRINTS[name].aliases)) > 2


def test_two_people_are_one_chain():
    inside = build("Two people", definitions())
    applied = node_of(inside.graph, "LikenessApplyUniPortrait")
    assert chain(source(applied, "people")) == nodes_of(inside.graph, "LikenessAddPerson")
    assert [name for name, _ in inside.entry.outputs] == ["model", "photo 1", "photo 2"]


def test_a_face_is_put_back_where_it_was_cut_out():
    graph = build("Face detail", definitions()).graph
    crop, pasted = node_of(graph, "LikenessCropFace"), node_of(graph, "LikenessPasteFace")
    assert source(pasted, "square") is crop
    assert pasted.sources["image"] == crop.sources["image"]
