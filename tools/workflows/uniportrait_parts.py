"""Nodes and settings that UniPortrait's workflows have in common."""

from __future__ import annotations

from typing import Any

from ..weights.known_files import BACKBONE, FACEID, IMAGE_ENCODER, ROUTER
from .graph import Graph
from .node import Node, Socket

NEGATIVE = "nsfw, lowres, worst quality"
# The reference's settings (UniPortrait's published app): 25 DDIM steps, guidance 7.5, seed 2147483647.
SAMPLING = {"seed": 2147483647, "steps": 25, "cfg": 7.5, "sampler_name": "ddim", "scheduler": "ddim_uniform"}


def load_uniportrait(graph: Graph) -> Node:
    """Add the loader, which finds its files by itself."""
    return graph.add("LikenessLoadUniPortrait", files=(FACEID, ROUTER, BACKBONE, IMAGE_ENCODER))


def apply(graph: Graph, model: Socket, adapter: Node, people: Node, **given: Any) -> Node:
    """Put the people of a chain into a MODEL; `people` is the last of them, `given` further inputs."""
    sockets = {"model": model, "uniportrait": adapter["uniportrait"], "people": people["people"]}
    return graph.add("LikenessApplyUniPortrait", **sockets, **given)
