"""A node of the core as it stands beside a method."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any

from .stage import Stage


class Place(Enum):
    """Where in a graph a node stands."""

    CLIP = "before the prompts"
    MODEL = "on MODEL, before or after our Apply node"
    PROMPT = "behind the prompts"
    SAMPLER = "in the sampler's place"


@dataclass(frozen=True, slots=True, kw_only=True)
class CoreNode:
    """One row of the table.

    Attributes:
        name: as the row is called; several nodes that act together are one row.
        kinds: classes that the ComfyUI must have.
        place: where it stands.
        add: puts it onto the stage.
        keeps: whether it must change no picture, and so none that a method has changed.
        pictures: of the batch that it is tried on.
        is_masked: whether it is tried on latents with a noise mask.
    """

    name: str
    kinds: tuple[str, ...]
    place: Place
    add: Callable[[Stage], None]
    keeps: bool = False
    pictures: int = 2
    is_masked: bool = False

    def is_in(self, definitions: Mapping[str, Any]) -> bool:
        """Whether a ComfyUI has it, by what it answers to `/object_info`."""
        return all(kind in definitions for kind in self.kinds)
