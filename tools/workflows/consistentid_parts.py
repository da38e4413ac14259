"""Nodes, settings and texts that ConsistentID's workflows have in common."""

from __future__ import annotations

from typing import Any

from ..weights.known_files import CONSISTENTID_SD15, FACE_PARSER, IMAGE_ENCODER, RECOGNISER, SD15, SDXL, KnownFile
from .graph import Graph
from .node import Node, Socket
from .parts import load_checkpoint

# Settings and texts of the published demos; they merge after step 30 of 50, which is 0.6, the default of the node.
SAMPLING = {"seed": 2024, "steps": 50, "cfg": 5.0, "sampler_name": "euler", "scheduler": "normal"}
NEGATIVE = "monochrome, lowres, bad anatomy, worst quality, low quality, blurry"
STYLE = "cinematic photo, {}, 50mm photograph, half-length portrait, film, bokeh, professional, 4k, highly detailed"
SEVERAL = "corrected"  # the mode that takes more than one person


def load_models(graph: Graph, adapter: KnownFile = CONSISTENTID_SD15, **given: Any) -> tuple[Node, Node]:
    """Add both loaders; gives the checkpoint's and ConsistentID's, which finds its files by itself.

    Of adapters for both families `auto` takes the first by name, which is the one for SD1.5; so the other is named.
    """
    checkpoint = load_checkpoint(graph, SD15 if adapter is CONSISTENTID_SD15 else SDXL)
    files = (adapter, FACE_PARSER, IMAGE_ENCODER, RECOGNISER)
    chosen = {} if adapter is CONSISTENTID_SD15 else {"consistentid": adapter.name}
    return checkpoint, graph.add("LikenessLoadConsistentID", files=files, **chosen, **given)


def encode(graph: Graph, clip: Socket, adapter: Node, people: Node, texts: tuple[str, str], **given: Any) -> Node:
    """Encode both prompts, with the people of a chain in them.

    Args:
        graph: where to.
        clip: of the checkpoint.
        adapter: the loader.
        people: the last of the chain.
        texts: positive and negative.
        given: further inputs.
    """
    sockets = {"clip": clip, "consistentid": adapter["consistentid"], "people": people["people"]}
    positive, negative = texts
    return graph.add("LikenessEncodeConsistentIDPrompt", **sockets, positive=positive, negative=negative, **given)


def apply(graph: Graph, model: Socket, adapter: Node, people: Node, **given: Any) -> Node:
    """Put the people of a chain into a MODEL; `people` is the last of them, `given` further inputs."""
    sockets = {"model": model, "consistentid": adapter["consistentid"], "people": people["people"]}
    return graph.add("LikenessApplyConsistentID", **sockets, **given)
