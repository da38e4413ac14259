"""A ComfyUI graph, described once.

What a node looks like (order of its inputs, defaults, outputs) is never written down here: it comes from a running
ComfyUI's `/object_info`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from ..comfyui.inputs import read_inputs
from ..weights.known_files import KnownFile
from .apps.app import App
from .layout import Group, place_groups
from .node import NOTE, Node, Socket


class Graph:
    """A workflow under construction.

    Args:
        name: its file name without suffix, which ComfyUI shows as its title; also seeds its id.
        definitions: what a running ComfyUI answers to `/object_info`.

    Attributes:
        app: what it shows if it opens as an app, else None.
    """

    def __init__(self, name: str, definitions: Mapping[str, Any]) -> None:
        self.name = name
        self.nodes: list[Node] = []
        self.groups: list[Group] = []
        self.app: App | None = None
        self._definitions = definitions

    @property
    def slug(self) -> str:
        """Its name in small letters and hyphens, for the pictures that it saves."""
        return re.sub(r"[^a-z0-9]+", "-", self.name.lower()).strip("-")

    @property
    def files(self) -> list[KnownFile]:
        """The published files that its nodes read, each once."""
        return list(dict.fromkeys(file for node in self.nodes for file in node.files))

    def add(self, kind: str, title: str | None = None, *, files: Sequence[KnownFile] = (), **given: Any) -> Node:
        """Add a node; inputs are outputs of earlier nodes or widget values, widgets not given keep their default.

        Args:
            kind: its class.
            title: what stands above it; its name by default.
            files: published files that it reads.
            given: its inputs; the widget of one that is linked keeps its default.

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
        held = {name: value for name, value in given.items() if name not in sources}
        values = {entry.name: held.get(entry.name, entry.default) for entry in inputs if entry.is_widget}
        if unset := [name for name, value in values.items() if value is None]:
            raise KeyError(f"{kind} needs a value for {unset}: its default depends on the files of the machine")
        # core's savers have outputs in newer versions only; ours that show a preview hand on what they show
        ends = definition["output_node"] and not kind.startswith("Likeness")
        outputs = () if ends else zip(definition["output_name"], definition["output"], strict=True)
        shown = str(title or definition["display_name"] or kind)
        node = Node(len(self.nodes) + 1, kind, shown, inputs, values, sources, tuple(outputs), tuple(files))
        self.nodes.append(node)
        return node

    def note(self, title: str, text: str) -> Node:
        """Add a note; the server never sees it."""
        node = Node(len(self.nodes) + 1, NOTE, title, values={"text": text.strip()})
        self.nodes.append(node)
        return node

    def place(self, columns: Sequence[Sequence[Group]], at: tuple[int, int] = (0, 0)) -> tuple[int, int]:
        """Lay out groups, and keep them; arguments and result are those of `layout.place_groups`."""
        self.groups += [group for column in columns for group in column]
        return place_groups(columns, at)
