"""IP-Adapter on diffusers. Its networks are imported where a protocol draws with it."""

from __future__ import annotations

from ..method import Lent, Method, MethodKind
from .config import IPAdapterConfig


def _make(config: IPAdapterConfig, lent: Lent) -> Method:
    from .method import load_method

    return load_method(config, lent)


METHOD = MethodKind(section=IPAdapterConfig, make=_make, people=lambda _: 1)
