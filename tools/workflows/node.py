"""One node of a workflow, and what it is linked to."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from ..comfyui.inputs import Input
from ..weights.known_files import KnownFile

NOTE = "MarkdownNote"  # lives in the page only; the server never sees it


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
        files: published files that it reads.
        position: x and y of its corner, set when its group is placed.
    """

    number: int
    kind: str
    title: str
    inputs: tuple[Input, ...] = ()
    values: dict[str, Any] = field(default_factory=dict)
    sources: dict[str, Socket] = field(default_factory=dict)
    outputs: tuple[tuple[str, str], ...] = ()
    files: tuple[KnownFile, ...] = ()
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
    def shown_inputs(self) -> list[Input]:
        """All inputs as the page lists them: sockets first, then one socket for each widget."""
        return [*self.sockets, *self.widgets]
