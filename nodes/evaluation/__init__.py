"""What a picture or a run shows of people."""

from __future__ import annotations

from comfy_api.latest import io

from . import routing_map, similarity

NODES: list[type[io.ComfyNode]] = [
    *similarity.NODES,
    *routing_map.NODES,
]
