"""Addresses of ours on ComfyUI's server, which the page asks."""

from __future__ import annotations

import logging
import sys
from collections.abc import Awaitable, Callable, Iterable
from typing import Any, NamedTuple

logger = logging.getLogger(__name__)


class Route(NamedTuple):
    """An address.

    Attributes:
        method: of HTTP.
        path: below the server's.
        answer: what is called with a request of aiohttp.
    """

    method: str
    path: str
    answer: Callable[[Any], Awaitable[Any]]


def add_routes(routes: Iterable[Route]) -> None:
    """Let a running ComfyUI answer the page, once, while it loads the pack; a fault is logged and keeps no node from loading.

    Importing ComfyUI's module here would set up a server, so without one nothing happens.
    """
    try:
        instance = getattr(getattr(sys.modules.get("server"), "PromptServer", None), "instance", None)
        if instance is None:
            return
        there = {(getattr(route, "method", ""), getattr(route, "path", "")) for route in instance.routes}
        for route in routes:
            if (route.method, route.path) not in there:
                instance.routes.route(route.method, route.path)(route.answer)
    except Exception:
        logger.exception("The page of the pack gets no answers; nodes work without it")
