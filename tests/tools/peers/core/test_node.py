"""Whether a ComfyUI has a node."""

from __future__ import annotations

from likeness.tools.peers.core.node import CoreNode, Place


def test_a_node_is_there_when_all_of_its_classes_are():
    node = CoreNode(name="hooks", kinds=("A", "B"), place=Place.PROMPT, add=lambda _: None)
    assert node.is_in({"A": {}, "B": {}, "C": {}})
    assert not node.is_in({"A": {}})
