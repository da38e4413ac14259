"""What a workflow shows as an app: some of its widgets, and what some of its nodes show."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from ..node import Node


@dataclass(frozen=True, slots=True)
class Field:
    """A widget that is shown.

    Attributes:
        node: whose it is.
        widget: its input's name.
        label: what stands above it.
    """

    node: Node
    widget: str
    label: str


@dataclass(frozen=True, slots=True)
class App:
    """A workflow as an app.

    Attributes:
        fields: what is filled in, from top to bottom.
        results: nodes whose pictures are shown, the most important one first.
    """

    fields: Sequence[Field]
    results: Sequence[Node]

    def label(self, node: Node, widget: str) -> str | None:
        """Give what stands above a widget; None if it is not shown."""
        return next((each.label for each in self.fields if each.node is node and each.widget == widget), None)

    def extra(self) -> dict[str, Any]:
        """Give what the page keeps of it in a workflow's `extra`; pages before App mode pass over both."""
        inputs = [[field.node.number, field.widget] for field in self.fields]
        return {"linearMode": True, "linearData": {"inputs": inputs, "outputs": [node.number for node in self.results]}}
