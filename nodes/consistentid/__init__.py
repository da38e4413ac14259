"""ConsistentID."""

from __future__ import annotations

from comfy_api.latest import io

from . import adapter, people, prompt, regions

NODES: list[type[io.ComfyNode]] = [
    *adapter.NODES,
    *regions.NODES,
    *people.NODES,
    *prompt.NODES,
]
