"""Who listens, which way leads there, and in which order messages go."""

from __future__ import annotations

import asyncio
import sys
from types import SimpleNamespace

import pytest
from likeness.tests.host.fake_server import CURVES, MAP, PAGE, FakeServer, prompt, serving

pytestmark = pytest.mark.comfy


@pytest.fixture
def channel(monkeypatch):
    """A builder: the way to the page while a prompt runs, or None."""
    from likeness.host.events import open_channel

    def build(server, **settings):
        with serving(monkeypatch, server, **settings):
            return open_channel(MAP, CURVES)

    return build


def test_a_page_that_listens_is_told_of_the_nodes_that_show_the_run(channel):
    nodes = prompt(("9", MAP), ("8", CURVES), ("7", "SaveLatent")) | prompt(("19", MAP), sampler="13")
    found = channel(FakeServer(nodes))
    assert (found.client, found.prompt_id, found.node) == (PAGE, "p1", "3")
    assert set(found.views) == {"9", "8"}  # the other sampler's map is not shown by this run


def test_nodes_in_subgraphs_keep_their_ids(channel):
    server = FakeServer(prompt(("12:9", MAP), sampler="12:7", model="12:2"))
    server.last_node_id = "12:7"
    found = channel(server, node="12:7")
    assert (found.node, found.views) == ("12:7", ("12:9",))


def test_what_a_later_sampler_makes_of_the_latent_is_shown_too(channel):
    nodes = prompt() | {
        "4": {"class_type": "LatentUpscale", "inputs": {"samples": ["3", 0], "method": "area"}},
        "5": {"class_type": "KSampler", "inputs": {"latent_image": ["4", 0]}},
        "9": {"class_type": MAP, "inputs": {"latent": ["5", 0]}},
    }
    assert channel(FakeServer(nodes)).views == ("9",)


def test_a_prompt_that_leads_round_in_a_circle_ends(channel):
    nodes = prompt(("9", MAP))
    nodes |= {"2": {"class_type": "LikenessLoadMiniature", "inputs": {"again": ["9", 0]}}}
    assert channel(FakeServer(nodes)).views == ("9",)


@pytest.mark.parametrize("missing", ["listener", "node", "client", "socket", "server", "context"])
def test_nobody_is_told_where_something_is_missing(missing, monkeypatch, channel):
    from likeness.host.events import open_channel

    server = FakeServer(prompt(("9", MAP if missing != "node" else "KSampler")))
    if missing == "listener":
        assert channel(server, listens=False) is None
    elif missing == "node":
        assert channel(server) is None
    elif missing == "client":
        server.client_id = None  # of a program that gave no id
        assert channel(server) is None
    elif missing == "socket":
        with serving(monkeypatch, server):
            server.sockets.clear()
            assert open_channel(MAP) is None
    elif missing == "server":
        assert open_channel(MAP) is None
    else:
        with serving(monkeypatch, server):
            pass
        monkeypatch.setattr("likeness.host.events._listening", {PAGE})
        assert open_channel(MAP) is None


def test_those_who_are_gone_are_forgotten(monkeypatch):
    from likeness.host import events

    server = FakeServer()
    with serving(monkeypatch, server):
        server.sockets = {"another": object()}
        assert events.listen("another")
        assert events._listening == {"another"}


@pytest.mark.parametrize("client", [None, "", "nobody", 5, ["a page"], {"a": 1}, "x" * 10_000])
def test_only_connected_pages_can_listen(client, monkeypatch):
    from likeness.host import events

    with serving(monkeypatch, FakeServer(), listens=False):
        assert not events.listen(client)
        assert events._listening == set()


def test_messages_wait_for_what_they_are_made_of_and_keep_their_order(channel):
    server = FakeServer(prompt(("9", MAP)))
    found = channel(server)
    ready = []
    found.send("a", lambda: "a" in ready, lambda: {"step": 1})
    found.send("b", lambda: True, lambda: {"step": 2})
    assert server.sent == []
    server.go_on()
    assert server.sent == []
    ready.append("a")
    server.go_on()
    about = {"prompt_id": "p1", "node": "3", "views": ["9"]}
    assert server.sent == [("a", {**about, "step": 1}, PAGE), ("b", {**about, "step": 2}, PAGE)]


def test_what_is_cancelled_says_nothing_more(channel):
    server = FakeServer(prompt(("9", MAP)))
    found = channel(server)
    found.send("a", lambda: False, dict)
    assert found.is_open
    found.is_cancelled = True
    server.go_on()
    assert (server.sent, server.later, found.is_open) == ([], [], False)


def test_the_route_is_made_once_and_answers(monkeypatch):
    from aiohttp import web
    from likeness.host import events

    server = FakeServer()
    server.routes = web.RouteTableDef()
    with serving(monkeypatch, server, listens=False):
        events.register_route()
        events.register_route()
        [route] = server.routes
        assert (route.method, route.path) == ("POST", "/likeness/listen")
        said = [ask(route.handler, body) for body in ({"client_id": PAGE}, {"client_id": "nobody"}, [1], ValueError)]
    assert [status for status, _ in said] == [200, 400, 400, 400]


def ask(handler, body):
    async def read():
        if body is ValueError:
            raise ValueError
        return body

    answer = asyncio.run(handler(SimpleNamespace(json=read)))
    return answer.status, answer.text


def test_without_a_server_there_is_no_route(monkeypatch):
    from likeness.host import events

    monkeypatch.delitem(sys.modules, "server", raising=False)
    events.register_route()
    assert events.server() is None
    assert events.running_prompts() is None
