"""All methods that can be trained from a configuration file, in the order of the manual."""

from __future__ import annotations

from typing import Any

from ..models.methods import wings
from .assembled import Registration

METHODS: tuple[Registration[Any], ...] = tuple(
    method for wing in wings(__package__, "assembly") for method in wing.METHODS
)
CONFIGS = tuple(method.config for method in METHODS)
