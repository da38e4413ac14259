"""A blueprint as the page keeps it: a workflow of one node, whose inside is a subgraph."""

from __future__ import annotations

import uuid
from typing import Any

from ..formats import SCALE, links_of, ui_node
from ..layout import Group, place_groups
from ..sizes import SLOT_HEIGHT, WIDGET_HEIGHT, WIDTH
from .inside import ENTRY, EXIT, Inside

Json = dict[str, Any]
CATEGORY = "Likeness"
BESIDE = 220  # units between both ends and the nodes
END_WIDTH, END_HEIGHT = 160, 40
NAMESPACE = "likeness/blueprint"


def to_blueprint(inside: Inside, description: str, aliases: tuple[str, ...]) -> Json:
    """Give a file of `subgraphs/`.

    Args:
        inside: the blueprint.
        description: what the page says about it.
        aliases: further words by which the node search finds it.
    """
    graph = inside.graph
    identity = str(uuid.uuid5(uuid.NAMESPACE_OID, f"{NAMESPACE}/{graph.name}"))
    right, _ = place_groups([[Group("", [[node]])] for node in graph.nodes])
    links = [*links_of(graph)]
    for slot, each in enumerate(inside.exits):
        links.append([len(links) + 1, each.source.node.number, each.source.slot, EXIT, slot, each.source.kind])
    return {
        "id": str(uuid.uuid5(uuid.NAMESPACE_OID, f"{NAMESPACE}/file/{graph.name}")),
        "revision": 0,
        "last_node_id": len(graph.nodes) + 1,
        "last_link_id": 0,
        "nodes": [_outer_node(inside, identity)],
        "links": [],
        "groups": [],
        "definitions": {
            "subgraphs": [
                {
                    "id": identity,
                    "version": 1,
                    "state": {
                        "lastGroupId": 0,
                        "lastNodeId": len(graph.nodes),
                        "lastLinkId": len(links),
                        "lastRerouteId": 0,
                    },
                    "revision": 0,
                    "config": {},
                    "name": graph.name,
                    "inputNode": {"id": ENTRY, "bounding": [-BESIDE, 0, END_WIDTH, END_HEIGHT]},
                    "outputNode": {"id": EXIT, "bounding": [right + BESIDE - END_WIDTH, 0, END_WIDTH, END_HEIGHT]},
                    "inputs": [
                        _port(inside, "in", name, kind, [link[0] for link in links if link[1:3] == [ENTRY, slot]])
                        for slot, (name, kind) in enumerate(inside.entry.outputs)
                    ],
                    "outputs": [
                        _port(
                            inside,
                            "out",
                            each.name,
                            each.source.kind,
                            [link[0] for link in links if link[3:5] == [EXIT, slot]],
                        )
                        for slot, each in enumerate(inside.exits)
                    ],
                    "widgets": [],
                    "nodes": [ui_node(node, links, None) for node in graph.nodes],
                    "groups": [],
                    "links": [
                        dict(
                            zip(
                                ("id", "origin_id", "origin_slot", "target_id", "target_slot", "type"),
                                link,
                                strict=True,
                            )
                        )
                        for link in links
                    ],
                    "extra": {},
                    "category": CATEGORY,
                    "description": description,
                }
            ]
        },
        "config": {},
        "extra": {
            "ds": {"scale": SCALE, "offset": [0, 0]},
            "BlueprintDescription": description,
            "BlueprintSearchAliases": list(aliases),
        },
        "version": 0.4,
    }


def _outer_node(inside: Inside, identity: str) -> Json:
    """The only node of the file, which stands for all that is inside."""
    entries, exits = inside.entry.outputs, inside.exits
    height = SLOT_HEIGHT * max(len(entries), len(exits)) + WIDGET_HEIGHT * len(inside.promoted)
    return {
        "id": len(inside.graph.nodes) + 1,
        "type": identity,
        "pos": [0, 0],
        "size": [WIDTH, height],
        "flags": {},
        "order": 0,
        "mode": 0,
        "inputs": [{"name": name, "type": kind, "link": None} for name, kind in entries],
        "outputs": [{"name": each.name, "type": each.source.kind, "links": None} for each in exits],
        "title": inside.graph.name,
        "properties": {"proxyWidgets": [[str(node.number), widget] for node, widget in inside.promoted]},
        "widgets_values": [],
    }


def _port(inside: Inside, side: str, name: str, kind: str, links: list[int]) -> Json:
    identity = uuid.uuid5(uuid.NAMESPACE_OID, f"{NAMESPACE}/{inside.graph.name}/{side}/{name}")
    return {"id": str(identity), "name": name, "type": kind, "linkIds": links, "label": name}
