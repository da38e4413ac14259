"""Our addresses on ComfyUI's server: made once, and never in the way of nodes."""

from __future__ import annotations

import logging
import sys
from types import SimpleNamespace

import pytest

pytestmark = pytest.mark.comfy


@pytest.fixture
def add_routes():
    from likeness.host.routes import Route, add_routes

    async def answer(_):
        return None

    return lambda: add_routes([Route("GET", "/likeness/a", answer), Route("POST", "/likeness/a", answer)])


def serve(monkeypatch, routes):
    server = SimpleNamespace(PromptServer=SimpleNamespace(instance=SimpleNamespace(routes=routes)))
    monkeypatch.setitem(sys.modules, "server", server)


def test_they_are_made_once_beside_those_of_others(monkeypatch, add_routes):
    from aiohttp import web

    routes = web.RouteTableDef()
    routes.static("/static", ".")
    serve(monkeypatch, routes)
    add_routes()
    add_routes()
    found = [(route.method, route.path) for route in routes if isinstance(route, web.RouteDef)]
    assert found == [("GET", "/likeness/a"), ("POST", "/likeness/a")]


def test_without_a_server_nothing_happens(monkeypatch, add_routes):
    monkeypatch.delitem(sys.modules, "server", raising=False)
    add_routes()
    assert "server" not in sys.modules


def test_a_server_of_another_kind_is_logged_and_keeps_no_node_from_loading(monkeypatch, add_routes, caplog):
    serve(monkeypatch, routes=None)
    with caplog.at_level(logging.ERROR):
        add_routes()
    assert "nodes work without it" in caplog.text
