"""ConsistentID on diffusers. Its networks are imported where a protocol draws with it."""

from __future__ import annotations

from ..method import Lent, Method, MethodKind
from .config import ConsistentIDConfig


def _make(config: ConsistentIDConfig, lent: Lent) -> Method:
    from .method import load_method

    return load_method(config, lent)


METHOD = MethodKind(section=ConsistentIDConfig, make=_make, people=lambda _: 1)
