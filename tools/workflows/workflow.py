"""What is said of a shipped workflow: how it is built, and what its thumbnail shows."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from .graph import Graph

Motif = Literal[
    "plain",
    "masks",
    "pose",
    "close-ups",
    "new face",
    "features",
    "guided",
    "guided pose",
    "style",
    "style and text",
    "views",
    "from text to picture",
    "mix",
    "masks in a style",
    "redrawn",
]


@dataclass(frozen=True, slots=True)
class Scheme:
    """A thumbnail that is drawn: portraits above a picture of the people in them.

    Attributes:
        people: how many portraits and people.
        motif: what is drawn over the picture to tell the workflow from its likes.
        scene: which of the world's pictures it is: other clothes, other backgrounds.
    """

    people: int
    motif: Motif = "plain"
    scene: int = 0


@dataclass(frozen=True, slots=True)
class Collage:
    """A thumbnail of what the workflow itself drew: portraits above pictures.

    Attributes:
        portraits: how many.
    """

    portraits: int


@dataclass(frozen=True, slots=True)
class Workflow:
    """One shipped workflow.

    Attributes:
        build: adds its nodes to an empty graph.
        thumbnail: what the template browser shows of it.
    """

    build: Callable[[Graph], None]
    thumbnail: Scheme | Collage
