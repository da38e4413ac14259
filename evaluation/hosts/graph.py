"""A workflow in ComfyUI's API format with named places: nodes by title or number, and inputs of theirs."""

from __future__ import annotations

import copy
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ...models.config.values import listed

MOST_BYTES = 50_000_000  # of a workflow


@dataclass(frozen=True, eq=False, slots=True)
class Graph:
    """A workflow.

    Attributes:
        nodes: by number, as the file has them.
    """

    nodes: Mapping[str, Any]

    @classmethod
    def read(cls, path: Path) -> Graph:
        """Read a file.

        Raises:
            ValueError: if it is no workflow in API format; its text says what it is instead.
        """
        try:
            if path.stat().st_size > MOST_BYTES:
                raise ValueError(f"it has more than {MOST_BYTES:,} bytes")
            nodes = json.loads(path.read_text(encoding="utf-8"))
        except RecursionError as error:
            raise ValueError("is no JSON of a workflow (it is nested too deep)") from error
        except ValueError as error:
            raise ValueError(f"is no JSON ({error})") from error
        if not isinstance(nodes, dict) or not nodes:
            raise ValueError("holds no nodes")
        if not all(isinstance(node, dict) and "class_type" in node for node in nodes.values()):
            raise ValueError("is in the page's format, or is no workflow; export it with *Export (API)*")
        return cls(nodes)

    def node(self, name: str) -> str:
        """The number of a node.

        Args:
            name: its title, or its number where no node has that title.

        Raises:
            ValueError: if no node or several have the name; its text says which there are.
        """
        titles = {number: node.get("_meta", {}).get("title", "") for number, node in self.nodes.items()}
        found = [number for number, title in titles.items() if title == name] or [n for n in self.nodes if n == name]
        if len(found) == 1:
            return found[0]
        if found:
            raise ValueError(f'"{name}" is the title of nodes {listed(found)}; give the number of one of them')
        raise ValueError(f'there is no node "{name}"; there are {listed([title or n for n, title in titles.items()])}')

    def place(self, name: str) -> tuple[str, str]:
        """Number and input of a place.

        Args:
            name: "node.input".

        Raises:
            ValueError: see `node`; or if the node has no such input.
        """
        node, _, wanted = name.rpartition(".")
        if not node:
            raise ValueError(f'"{name}" names no input; write "title of the node.input"')
        number = self.node(node)
        inputs = self.nodes[number].get("inputs", {})
        if wanted not in inputs:
            raise ValueError(f'node "{node}" has no input "{wanted}"; it has {listed(list(inputs) or ["none"])}')
        return number, wanted

    def filled(self, values: Sequence[tuple[str, Any]]) -> dict[str, Any]:
        """A copy with values at some places; raises as `place`."""
        nodes = copy.deepcopy(dict(self.nodes))
        for name, value in values:
            number, wanted = self.place(name)
            nodes[number]["inputs"][wanted] = value
        return nodes
