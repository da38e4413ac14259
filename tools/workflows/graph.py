"""A ComfyUI graph described once and written in both formats: what the page saves, and what `/prompt` takes.

What a node looks like (order of its inputs, defaults, outputs) is never written down here: it comes from a running
ComfyUI's `/object_info`.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ..comfyui.inputs import Input, read_inputs

Json = dict[str, Any]

NOTE = "MarkdownNote"  # lives in the page only; the server never sees it
PACK_ID = "likeness"
CORE_ID = "comfy-core"
AFTER_GENERATE = "randomize"  # what the page does to a seed after each run
GROUP_COLOR = "#3f789e"
TITLE_HEIGHT = 30
SLOT_HEIGHT = 20
WIDGET_HEIGHT = 24
TEXT_HEIGHT = 110  # a text box of several lines
PICTURE_HEIGHT = 240
WIDTH = 300
WIDTHS = {
    NOTE: 460,
    "CLIPTextEncode": 380,
    "SaveImage": 460,
    "PreviewImage": 380,
    "LoadImage": 280,
    "LikenessEncodeConsistentIDPrompt": 420,
}
PICTURES = {"LoadImage", "SaveImage", "PreviewImage"}  # tall from the start
GROWING = {  # grow when they show a picture
    "LikenessDetectFaces",
    "LikenessAddUniPortraitIdentity",
    "LikenessEncodeFacialRegions",
    "LikenessAddConsistentIDIdentity",
    "LikenessParseFace",
}
SHOWING_TEXT = {"PreviewAny"}  # taller in newer versions of the page, which add a widget and a text box
GAP = 40
GROUP_PADDING = 20
GROUP_TITLE = 60


@dataclass(frozen=True, slots=True)
class Socket:
    """One output of a node, to be given to an input of another."""

    node: Node
    slot: int
    kind: str


@dataclass(eq=False, slots=True)
class Node:
    """One node of a graph.

    Attributes:
        number: its id, from 1, in an order in which every node comes after those it reads.
        kind: its class, as in `/object_info`.
        title: what stands above it.
        inputs: its inputs, in the order of its definition.
        values: what its widgets hold, by input name.
        sources: what its sockets are linked to, by input name.
        outputs: name and type of what it gives.
        position: x and y of its corner, set when its group is placed.
    """

    number: int
    kind: str
    title: str
    inputs: tuple[Input, ...] = ()
    values: Json = field(default_factory=dict)
    sources: dict[str, Socket] = field(default_factory=dict)
    outputs: tuple[tuple[str, str], ...] = ()
    position: tuple[int, int] = (0, 0)

    def __getitem__(self, output: str) -> Socket:
        """The output of that name, or of that type where names are as ComfyUI's own (MODEL, CLIP, VAE)."""
        for slot, (name, kind) in enumerate(self.outputs):
            if name == output:
                return Socket(self, slot, kind)
        raise KeyError(f"{self.kind} has no output {output!r}, only {[name for name, _ in self.outputs]}")

    @property
    def sockets(self) -> list[Input]:
        """The inputs that take a link, as the page shows them: all that are no widgets."""
        return [entry for entry in self.inputs if not entry.is_widget]

    @property
    def widgets(self) -> list[Input]:
        """The inputs that are filled in on the node."""
        return [entry for entry in self.inputs if entry.is_widget]

    @property
    def size(self) -> tuple[int, int]:
        """Width and height, roughly what the page would choose."""
        if self.kind == NOTE:
            lines = self.values["text"].splitlines()
            rows = sum(1 + len(line) // 80 for line in lines)
            return WIDTHS[NOTE], 60 + 16 * rows
        height = TITLE_HEIGHT + SLOT_HEIGHT * max(len(self.sockets), len(self.outputs))
        height += sum(TEXT_HEIGHT if entry.is_text else WIDGET_HEIGHT * entry.rows for entry in self.widgets)
        height += PICTURE_HEIGHT if self.kind in PICTURES else 0
        return WIDTHS.get(self.kind, WIDTH), height + 10

    @property
    def space(self) -> int:
        """The height to keep free for it, with the title above and a gap below."""
        growth = PICTURE_HEIGHT if self.kind in GROWING else TEXT_HEIGHT if self.kind in SHOWING_TEXT else 0
        return TITLE_HEIGHT + self.size[1] + growth + GAP // 2


@dataclass(eq=False, slots=True)
class Group:
    """A titled frame around nodes, laid out in rows; a cell is one node or several above each other."""

    title: str
    rows: Sequence[Sequence[Node | Sequence[Node]]]
    bounding: tuple[int, int, int, int] = (0, 0, 0, 0)


class Graph:
    """A workflow under construction.

    Args:
        name: its file name without suffix; also seeds its id.
        definitions: what a running ComfyUI answers to `/object_info`.
    """

    def __init__(self, name: str, definitions: Mapping[str, Any]) -> None:
        self.name = name
        self.nodes: list[Node] = []
        self.groups: list[Group] = []
        self._definitions = definitions

    def add(self, kind: str, title: str | None = None, **given: Any) -> Node:
        """Add a node; inputs are outputs of earlier nodes or widget values, widgets not given keep their default.

        Raises:
            KeyError: if the class or an input does not exist, or a required socket was not given.
        """
        definition = self._definitions[kind]
        inputs = tuple(read_inputs(definition))
        unknown = set(given) - {entry.name for entry in inputs}
        if unknown:
            raise KeyError(f"{kind} has no input {sorted(unknown)}")
        sources = {name: value for name, value in given.items() if isinstance(value, Socket)}
        for entry in inputs:
            if not entry.is_widget and entry.required and entry.name not in sources:
                raise KeyError(f"{kind} needs a link at {entry.name!r}")
        values = {entry.name: given.get(entry.name, entry.default) for entry in inputs if entry.is_widget}
        if unset := [name for name, value in values.items() if value is None]:
            raise KeyError(f"{kind} needs a value for {unset}: its default depends on the files of the machine")
        # core's savers have outputs in newer versions only; ours that show a preview hand on what they show
        ends = definition["output_node"] and not kind.startswith("Likeness")
        outputs = () if ends else zip(definition["output_name"], definition["output"], strict=True)
        shown = str(title or definition["display_name"] or kind)
        node = Node(len(self.nodes) + 1, kind, shown, inputs, values, sources, tuple(outputs))
        self.nodes.append(node)
        return node

    def note(self, title: str, text: str) -> Node:
        """Add a note; the server never sees it."""
        node = Node(len(self.nodes) + 1, NOTE, title, values={"text": text.strip()})
        self.nodes.append(node)
        return node

    def place(self, columns: Sequence[Sequence[Group]], at: tuple[int, int] = (0, 0)) -> tuple[int, int]:
        """Lay out groups: columns from left to right, the groups of one column above each other.

        Returns:
            x and y of the lower right corner, gap included.
        """
        x, bottom = at
        for column in columns:
            y = at[1]
            right = x
            for group in column:
                _place_group(group, x, y)
                right = max(right, x + group.bounding[2])
                y += group.bounding[3] + GAP
                self.groups.append(group)
            x = right + GAP
            bottom = max(bottom, y)
        return x, bottom

    def to_api(self) -> Json:
        """Give the graph as `/prompt` takes it: node id → class, inputs and title."""
        prompt: Json = {}
        for node in self.nodes:
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

    def to_ui(self) -> Json:
        """Give the graph as ComfyUI's page saves it (LiteGraph, version 0.4).

        Raises:
            ValueError: if a node is in no group, and so has no place.
        """
        placed = {node.number for group in self.groups for node in _members(group)}
        if left := [node.title for node in self.nodes if node.number not in placed]:
            raise ValueError(f"{self.name}: nodes in no group: {left}")
        links = list(self._links())
        return {
            "id": str(uuid.uuid5(uuid.NAMESPACE_OID, f"likeness/{self.name}")),
            "revision": 0,
            "last_node_id": len(self.nodes),
            "last_link_id": len(links),
            "nodes": [self._ui_node(node, links) for node in self.nodes],
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
                for number, group in enumerate(self.groups, 1)
            ],
            "config": {},
            "extra": {"ds": {"scale": 0.5, "offset": [60, 60]}},
            "version": 0.4,
        }

    def _links(self) -> Iterator[list[Any]]:
        number = 0
        for node in self.nodes:
            for slot, entry in enumerate(_shown_inputs(node)):
                if source := node.sources.get(entry.name):
                    number += 1
                    yield [number, source.node.number, source.slot, node.number, slot, source.kind]

    def _ui_node(self, node: Node, links: Sequence[Sequence[Any]]) -> Json:
        arriving = {link[4]: link[0] for link in links if link[3] == node.number}
        leaving = {
            slot: [link[0] for link in links if link[1:3] == [node.number, slot]] for slot, _ in enumerate(node.outputs)
        }
        ours = node.kind.startswith("Likeness")
        ui: Json = {
            "id": node.number,
            "type": node.kind,
            "pos": list(node.position),
            "size": list(node.size),
            "flags": {},
            "order": node.number - 1,
            "mode": 0,
            "inputs": [_ui_input(entry, arriving.get(slot)) for slot, entry in enumerate(_shown_inputs(node))],
            "outputs": [
                {"name": name, "type": kind, "links": leaving[slot] or None}
                for slot, (name, kind) in enumerate(node.outputs)
            ],
            "title": node.title,
            "properties": {},
            "widgets_values": _widget_values(node),
        }
        if node.kind == NOTE:
            return ui | {"color": "#432", "bgcolor": "#653"}
        ui["properties"] = {"cnr_id": PACK_ID if ours else CORE_ID, "Node name for S&R": node.kind}
        return ui


def _shown_inputs(node: Node) -> list[Input]:
    """The page lists sockets first, then one socket for each widget."""
    return [*node.sockets, *node.widgets]


def _ui_input(entry: Input, link: int | None) -> Json:
    ui: Json = {"name": entry.name, "type": entry.kind}
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


def _members(group: Group) -> Iterator[Node]:
    for row in group.rows:
        for cell in row:
            yield from [cell] if isinstance(cell, Node) else cell


def _place_group(group: Group, x: int, y: int) -> None:
    grid = [[[cell] if isinstance(cell, Node) else list(cell) for cell in row] for row in group.rows]
    columns = max(len(row) for row in grid)
    widths = [max(_width(row[column]) for row in grid if column < len(row)) for column in range(columns)]
    top = y + GROUP_TITLE
    for row in grid:
        left = x + GROUP_PADDING
        for cell, width in zip(row, widths, strict=False):
            cell_top = top
            for node in cell:
                node.position = (left, cell_top + TITLE_HEIGHT)
                cell_top += node.space
            left += width + GAP
        top += max(sum(node.space for node in cell) for cell in row)
    width = sum(widths) + GAP * (columns - 1) + 2 * GROUP_PADDING
    group.bounding = (x, y, width, top - y + GROUP_PADDING)


def _width(cell: Sequence[Node]) -> int:
    return max((node.size[0] for node in cell), default=0)
