"""IP-Adapter."""

from __future__ import annotations

from comfy_api.latest import io

from . import apply, load

NODES: list[type[io.ComfyNode]] = [*load.NODES, *apply.NODES]
