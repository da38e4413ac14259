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
IN_PREVIEW, BY_WORD = "face in the preview", "word in the prompt"


def load_face_parser(graph: Graph) -> Node:
    """Add the loader of the network that outlines faces in photos, the paper's M_ref."""
    return graph.add("LikenessLoadFaceParser", face_parser=FACE_PARSER.name, files=(FACE_PARSER,))


def guide(graph: Graph, model: Socket, vae: Socket, people: Node, parser: Node, find_by: str, **given: Any) -> Node:
    """Add guidance at the end of a chain of models.

    Args:
        graph: where to.
        model, vae: of the chain and of the checkpoint.
        people: the last of the people.
        parser: a loader of a face parser.
        find_by: where people are.
        given: further inputs.
    """
    sockets = {"model": model, "vae": vae, "people": people["people"], "face_parser": parser["face_parser"]}
    return graph.add("LikenessApplyReferenceGuidance", **sockets, find_by=find_by, **given)
