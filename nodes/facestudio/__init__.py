"""FaceStudio."""

from __future__ import annotations

from comfy_api.latest import io

from . import style

NODES: list[type[io.ComfyNode]] = [*style.NODES]
