"""Both formats of a graph: what the page saves, and what `/prompt` takes."""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Sequence
from typing import Any

from ..comfyui.inputs import Input
from .apps.app import App
from .graph import Graph
from .node import NOTE, Node
from .sizes import size_of

Json = dict[str, Any]

PACK_ID = "likeness"
CORE_ID = "comfy-core"
AFTER_GENERATE = "randomize"  # what the page does to a seed after each run
GROUP_COLOR = "#3f789e"
SCALE = 0.7  # of the first view; the widest workflow for one person fits a large window
OFFSET = (140, 120)  # room for the page's bars, in units of the graph


def to_api(graph: Graph) -> Json:
    """Give a graph as `/prompt` takes it: node id → class, inputs and title."""
    prompt: Json = {}
    for node in graph.nodes:
        if node.kind == NOTE:
            continue
        inputs: Json = dict(node.values)
        inputs |= {
            entry.name: [str(node.sources[entry.name].node.number), node.sources[entry.name].slot]
            for entry in node.inputs
            if entry.name in node.sources
        }
        prompt[str(node.number)] = {"inputs": inputs, "class_type": node.kind, "_meta": {"title": node.title}}
    return prompt


def to_ui(graph: Graph) -> Json:
    """Give a graph as ComfyUI's page saves it (LiteGraph, version 0.4).

    Raises:
        ValueError: if a node is in no group, and so has no place.
    """
    placed = {node.number for group in graph.groups for node in group.members()}
    if left := [node.title for node in graph.nodes if node.number not in placed]:
        raise ValueError(f"{graph.name}: nodes in no group: {left}")
    links = list(links_of(graph))
    return {
        "id": str(uuid.uuid5(uuid.NAMESPACE_OID, f"likeness/{graph.name}")),
        "revision": 0,
        "last_node_id": len(graph.nodes),
        "last_link_id": len(links),
        "nodes": [ui_node(node, links, graph.app) for node in graph.nodes],
        "links": links,
        "groups": [
            {
                "id": number,
                "title": group.title,
                "bounding": list(group.bounding),
                "color": GROUP_COLOR,
                "font_size": 24,
                "flags": {},
            }
            for number, group in enumerate(graph.groups, 1)
        ],
        "config": {},
        "extra": {"ds": {"scale": SCALE, "offset": list(OFFSET)}, **(graph.app.extra() if graph.app else {})},
        "version": 0.4,
    }


def links_of(graph: Graph) -> Iterator[list[Any]]:
    """Give every link: number, node and output it comes from, node and input it goes to, type."""
    number = 0
    for node in graph.nodes:
        for slot, entry in enumerate(node.shown_inputs):
            if source := node.sources.get(entry.name):
                number += 1
                yield [number, source.node.number, source.slot, node.number, slot, source.kind]


def ui_node(node: Node, links: Sequence[Sequence[Any]], app: App | None) -> Json:
    """Give a node as the page saves it; `links` are all of its graph, `app` what is shown where it opens as one."""
    arriving = {link[4]: link[0] for link in links if link[3] == node.number}
    leaving = {
        slot: [link[0] for link in links if link[1:3] == [node.number, slot]] for slot, _ in enumerate(node.outputs)
    }
    ui: Json = {
        "id": node.number,
        "type": node.kind,
        "pos": list(node.position),
        "size": list(size_of(node)),
        "flags": {},
        "order": node.number - 1,
        "mode": 0,
        "inputs": [
            _ui_input(entry, arriving.get(slot), app.label(node, entry.name) if app else None)
            for slot, entry in enumerate(node.shown_inputs)
        ],
        "outputs": [
            {"name": name, "type": kind, "links": leaving[slot] or None}
            for slot, (name, kind) in enumerate(node.outputs)
        ],
        "title": node.title,
        "properties": _properties(node),
        "widgets_values": _widget_values(node),
    }
    return ui | {"color": "#432", "bgcolor": "#653"} if node.kind == NOTE else ui


def _properties(node: Node) -> Json:
    if node.kind == NOTE:
        return {}
    pack = PACK_ID if node.kind.startswith("Likeness") else CORE_ID
    properties: Json = {"cnr_id": pack, "Node name for S&R": node.kind}
    models = [{"name": file.name, "url": file.url, "directory": file.folder} for file in node.files if file.url]
    return properties | {"models": models} if models else properties


def _ui_input(entry: Input, link: int | None, label: str | None) -> Json:
    ui: Json = {"name": entry.name, "type": entry.kind}
    if label is not None:
        ui["label"] = label
    if not entry.required:
        ui["shape"] = 7  # the hollow dot of an optional input
    if entry.is_widget:
        ui["widget"] = {"name": entry.name}
    return ui | {"link": link}


def _widget_values(node: Node) -> list[Any]:
    """Widget values in the page's order, with the two widgets that only the page has."""
    if node.kind == NOTE:
        return [node.values["text"]]
    values: list[Any] = []
    for entry in node.widgets:
        values.append(node.values[entry.name])
        if entry.has_control:
            values.append(AFTER_GENERATE)
        if entry.has_upload:
            values.append("image")
    return values
