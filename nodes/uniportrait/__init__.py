"""UniPortrait."""

from __future__ import annotations

from comfy_api.latest import io

from . import adapter, people

NODES: list[type[io.ComfyNode]] = [
    *adapter.NODES,
    *people.NODES,
]
