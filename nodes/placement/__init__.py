"""Placement: where people are, and a picture of where they were."""

from __future__ import annotations

from comfy_api.latest import io

from . import match, place, routing_map

NODES: list[type[io.ComfyNode]] = [*place.NODES, *match.NODES, *routing_map.NODES]
