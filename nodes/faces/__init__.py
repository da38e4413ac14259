"""Faces in pictures."""

from __future__ import annotations

from comfy_api.latest import io

from . import crop, detect, parse

NODES: list[type[io.ComfyNode]] = [
    *detect.NODES,
    *crop.NODES,
    *parse.NODES,
]
