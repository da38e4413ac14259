"""Nodes and settings that workflows with Reference-Based Guidance have in common."""

from __future__ import annotations

from typing import Any

from ..weights.known_files import FACE_PARSER
from .graph import Graph
from .node import Node, Socket

# OmniPortrait 4.2: w = 7.5, 50 DDIM steps; u = 0.6 and t0 = 671 are the defaults of the node.
SAMPLING: dict[str, Any] = {"seed": 42, "steps": 50, "cfg": 7.5, "sampler_name": "ddim", "scheduler": "ddim_uniform"}
ON_TOP = 0.5  # strength where a method brings the person in: more gains nothing there, see docs/ablations/guidance.md
NEGATIVE = "lowres, bad anatomy, worst quality, low quality, blurry"


def load_face_parser(graph: Graph) -> Node:
    """Add the loader of the network that outlines faces in photos, the paper's M_ref."""
    return graph.add("LikenessLoadFaceParser", face_parser=FACE_PARSER.name, files=(FACE_PARSER,))


def guide(
    graph: Graph, model: Socket, vae: Socket, people: Node, parser: Node, placed: Node | None = None, **given: Any
) -> Node:
    """Add guidance at the end of a chain of models.

    Args:
        graph: where to.
        model, vae: of the chain and of the checkpoint.
        people: the last of the people.
        parser: a loader of a face parser.
        placed: where people are; without it at the faces of a preview.
        given: further inputs.
    """
    sockets = {"model": model, "vae": vae, "people": people["people"], "face_parser": parser["face_parser"]}
    if placed is not None:
        sockets["placement"] = placed["placement"]
    return graph.add("LikenessApplyReferenceGuidance", **sockets, **given)
