"""How alike people are in numbers."""

from __future__ import annotations

from comfy_api.latest import io

from . import similarity

NODES: list[type[io.ComfyNode]] = [*similarity.NODES]
