"""A blueprint as the page keeps it."""

from __future__ import annotations

import pytest
from likeness.tests.tools.workflows.definitions import definitions
from likeness.tools.workflows.blueprints.formats import to_blueprint
from likeness.tools.workflows.blueprints.inside import ENTRY, EXIT
from likeness.tools.workflows.blueprints.shelf import BLUEPRINTS
from likeness.tools.workflows.blueprints.write import build


@pytest.fixture(params=BLUEPRINTS)
def blueprint(request) -> dict:
    each = BLUEPRINTS[request.param]
    return to_blueprint(build(request.param, definitions()), each.description, each.aliases)


def test_the_workflow_is_one_node_that_stands_for_the_subgraph(blueprint):
    [node], [subgraph] = blueprint["nodes"], blueprint["definitions"]["subgraphs"]
    assert node["type"] == subgraph["id"]
    assert [entry["name"] for entry in node["inputs"]] == [entry["name"] for entry in subgraph["inputs"]]
    assert [entry["type"] for entry in node["outputs"]] == [entry["type"] for entry in subgraph["outputs"]]


def test_every_link_is_known_at_both_of_its_ends(blueprint):
    [subgraph] = blueprint["definitions"]["subgraphs"]
    nodes = {node["id"]: node for node in subgraph["nodes"]}
    for link in subgraph["links"]:
        origin, target = link["origin_id"], link["target_id"]
        if origin == ENTRY:
            assert link["id"] in subgraph["inputs"][link["origin_slot"]]["linkIds"]
        else:
            assert link["id"] in nodes[origin]["outputs"][link["origin_slot"]]["links"]
        if target == EXIT:
            assert subgraph["outputs"][link["target_slot"]]["linkIds"] == [link["id"]]
        else:
            assert nodes[target]["inputs"][link["target_slot"]]["link"] == link["id"]
    ends = [port for side in ("inputs", "outputs") for port in subgraph[side]]
    assert all(port["linkIds"] for port in ends)
    identities = [port["id"] for port in ends] + [subgraph["id"], blueprint["id"]]
    assert len(identities) == len(set(identities))


def test_shown_widgets_are_those_of_nodes_inside(blueprint):
    [node], [subgraph] = blueprint["nodes"], blueprint["definitions"]["subgraphs"]
    inside = {
        str(each["id"]): [entry["name"] for entry in each["inputs"] if "widget" in entry] for each in subgraph["nodes"]
    }
    shown = node["properties"]["proxyWidgets"]
    assert shown
    assert [pair for pair in shown if pair[1] not in inside[pair[0]]] == []


def test_nodes_inside_do_not_lie_on_each_other(blueprint):
    [subgraph] = blueprint["definitions"]["subgraphs"]
    lefts = [node["pos"][0] for node in subgraph["nodes"]]
    assert lefts == sorted(set(lefts))
    left, right = (subgraph[end]["bounding"][0] for end in ("inputNode", "outputNode"))
    assert left < lefts[0]
    assert lefts[-1] < right
