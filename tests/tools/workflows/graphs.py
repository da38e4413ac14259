"""What tests ask of a built workflow."""

from __future__ import annotations

import functools

from likeness.tests.tools.workflows.definitions import definitions
from likeness.tools.workflows.graph import Graph
from likeness.tools.workflows.node import NOTE, Node
from likeness.tools.workflows.write import build


@functools.cache
def built(name: str) -> Graph:
    """Give a shipped workflow, built on docs/nodes.md."""
    return build(name, definitions())


def nodes_of(graph: Graph, kind: str) -> list[Node]:
    """Give all nodes of a class."""
    return [node for node in graph.nodes if node.kind == kind]


def node_of(graph: Graph, kind: str) -> Node:
    """Give the only node of a class."""
    [node] = nodes_of(graph, kind)
    return node


def source(node: Node, name: str) -> Node | None:
    """Give the node that an input is linked to."""
    return node.sources[name].node if name in node.sources else None


def chain(node: Node | None) -> list[Node]:
    """Give the people of a chain, first to last; `node` is its last Add Person."""
    return [*chain(source(node, "people")), node] if node else []


def real_nodes(graph: Graph) -> list[Node]:
    """Give all nodes but the notes."""
    return [node for node in graph.nodes if node.kind != NOTE]
