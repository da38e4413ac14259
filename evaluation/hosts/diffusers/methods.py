"""All methods that can draw on diffusers, by the words that protocols use."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any

from ....models.config.rules import Choice
from ....models.methods import wings
from .config import NOBODY, DiffusersConfig
from .method import MethodKind

METHODS: Mapping[str, MethodKind[Any]] = {wing.__name__.rpartition(".")[2]: wing.METHOD for wing in wings(__package__)}


@dataclass(frozen=True, slots=True, kw_only=True)
class TextConfig(DiffusersConfig):
    """The text alone; also what is checked where no such method is known."""

    method: Annotated[str, Choice((NOBODY, *METHODS)), "what brings people in; none draws the text alone"] = NOBODY


def section_of(table: Mapping[str, Any]) -> type[DiffusersConfig]:
    """The section that a method's word chooses."""
    word = table.get("method", NOBODY)
    return METHODS[word].section if isinstance(word, str) and word in METHODS else TextConfig


def people_of(config: DiffusersConfig) -> int | None:
    """How many people a picture has; None for any number."""
    return METHODS[config.method].people(config) if config.method in METHODS else None
