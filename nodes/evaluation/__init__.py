"""Judging pictures: how alike people are."""

from __future__ import annotations

from comfy_api.latest import io

from . import fgis, likeness

NODES: list[type[io.ComfyNode]] = [*likeness.NODES, *fgis.NODES]
