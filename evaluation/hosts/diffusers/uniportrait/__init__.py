"""UniPortrait on diffusers. Its networks are imported where a protocol draws with it."""

from __future__ import annotations

from ..method import Lent, Method, MethodKind
from .config import UniPortraitConfig


def _make(config: UniPortraitConfig, lent: Lent) -> Method:
    from .method import load_method

    return load_method(config, lent)


METHOD = MethodKind(section=UniPortraitConfig, make=_make, people=lambda config: 1 if config.router is None else None)
