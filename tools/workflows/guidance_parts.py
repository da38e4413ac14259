"""Nodes and settings that workflows with Reference-Based Guidance have in common."""

from __future__ import annotations

from typing import Any

from .graph import Graph
from .node import Node, Socket

# The paper's: 50 DDIM steps, guidance 5; u = 0.6 and t0 = 671 are the defaults of the node.
SAMPLING: dict[str, Any] = {"seed": 42, "steps": 50, "cfg": 5.0, "sampler_name": "ddim", "scheduler": "ddim_uniform"}
NEGATIVE = "lowres, bad anatomy, worst quality, low quality, blurry"
IN_PREVIEW, BY_WORD = "face in the preview", "word in the prompt"


def guide(graph: Graph, model: Socket, vae: Socket, people: Node, find_by: str, **given: Any) -> Node:
    """Add guidance at the end of a chain of models; `people` is the last of them, `given` further inputs."""
    sockets = {"model": model, "vae": vae, "people": people["people"]}
    return graph.add("LikenessApplyReferenceGuidance", **sockets, find_by=find_by, **given)
