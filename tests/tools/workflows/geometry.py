"""Rectangles of the nodes and frames of a workflow as the page saves it: left, top, right and bottom."""

from __future__ import annotations

import itertools
from collections.abc import Iterable

TITLE = 30  # above a node's position
Rectangle = tuple[float, float, float, float]


def node_rectangles(ui: dict) -> list[Rectangle]:
    """Give every node's, its title included."""
    return [
        (x, y - TITLE, x + width, y + height)
        for (x, y), (width, height) in ((node["pos"], node["size"]) for node in ui["nodes"])
    ]


def frames(ui: dict) -> list[Rectangle]:
    """Give every group's."""
    return [(x, y, x + width, y + height) for x, y, width, height in (group["bounding"] for group in ui["groups"])]


def overlaps(rectangles: Iterable[Rectangle]) -> list[tuple[Rectangle, Rectangle]]:
    """Give the pairs that share a place."""
    return [
        (a, b)
        for a, b in itertools.combinations(rectangles, 2)
        if a[0] < b[2] and b[0] < a[2] and a[1] < b[3] and b[1] < a[3]
    ]
