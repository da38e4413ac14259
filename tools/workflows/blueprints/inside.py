"""The graph inside a blueprint, with what comes in and what goes out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ..graph import Graph
from ..node import Node, Socket

ENTRY, EXIT = -10, -20  # the numbers that the page gives to both ends


@dataclass(frozen=True, slots=True)
class Exit:
    """What goes out.

    Attributes:
        name: what the output is called.
        source: what it gives.
    """

    name: str
    source: Socket


class Inside:
    """A blueprint under construction.

    Args:
        name: its file name without suffix, which the page shows.
        definitions: what a running ComfyUI answers to `/object_info`.

    Attributes:
        graph: the nodes inside.
        entry: what comes in, as outputs of a node that stands for the blueprint's surroundings.
        exits: what goes out.
        promoted: the widgets that the blueprint shows, as node and input.
    """

    def __init__(self, name: str, definitions: Mapping[str, Any]) -> None:
        self.graph = Graph(name, definitions)
        self.entry = Node(ENTRY, "", "")
        self.exits: list[Exit] = []
        self.promoted: list[tuple[Node, str]] = []

    def enter(self, name: str, kind: str) -> Socket:
        """Add an input of the blueprint; gives what the nodes inside are linked to."""
        self.entry.outputs = (*self.entry.outputs, (name, kind))
        return self.entry[name]

    def leave(self, name: str, source: Socket) -> None:
        """Add an output of the blueprint."""
        self.exits.append(Exit(name, source))

    def promote(self, node: Node, *widgets: str) -> None:
        """Show widgets of a node inside on the blueprint itself.

        Raises:
            KeyError: if the node has no such widget.
        """
        for widget in widgets:
            if widget not in node.values:
                raise KeyError(f"{node.kind} has no widget {widget!r}, only {list(node.values)}")
            self.promoted.append((node, widget))
