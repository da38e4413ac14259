"""All methods that can be trained from a configuration file, in the order of the manual."""

from __future__ import annotations

from typing import Any

from .assembled import Registration
from .omniportrait import assembly as omniportrait
from .uniportrait import assembly as uniportrait

METHODS: tuple[Registration[Any], ...] = (*uniportrait.METHODS, *omniportrait.METHODS)
CONFIGS = tuple(method.config for method in METHODS)
