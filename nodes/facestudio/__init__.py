"""FaceStudio."""

from __future__ import annotations

from comfy_api.latest import io

from . import apply, load, style

NODES: list[type[io.ComfyNode]] = [*load.NODES, *style.NODES, *apply.NODES]
