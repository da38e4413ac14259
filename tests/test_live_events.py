"""What a page is sent over its websocket while a run goes on, by a running ComfyUI that has what a release ships."""

from __future__ import annotations

import asyncio
import base64
import json
from dataclasses import dataclass, field
from pathlib import Path

import pytest

aiohttp = pytest.importorskip("aiohttp")  # of ComfyUI's server

pytestmark = pytest.mark.comfy

API = Path(__file__).resolve().parents[1] / "workflows" / "api"
TWO, GUIDED = "1 Try without download - two people", "4 Try without download - guidance"
ROUTING, GUIDANCE = "likeness.routing", "likeness.guidance"
ENDS = ("execution_success", "execution_error", "execution_interrupted")
PREVIEWS = (1, 4)  # kinds of binary messages
STEPS = 8


def read(name, seed, steps=STEPS):
    """A workflow with another seed, which no cache answers."""
    found = json.loads((API / f"{name}.json").read_text("utf-8"))
    for node in found.values():
        if node["class_type"] == "KSampler":
            node["inputs"] |= {"seed": seed, "steps": steps}
    return found


def named(prompt, kind):
    return next(number for number, node in prompt.items() if node["class_type"] == kind)


def renamed(prompt, prefix):
    """The same nodes inside of a subgraph's node, as the page names them."""
    moved = json.loads(json.dumps(prompt))
    for node in moved.values():
        for name, value in node["inputs"].items():
            if isinstance(value, list):
                node["inputs"][name] = [f"{prefix}:{value[0]}", value[1]]
    return {f"{prefix}:{number}": node for number, node in moved.items()}


@dataclass
class Heard:
    """Everything that a page got, in order."""

    messages: list[tuple[str, dict]] = field(default_factory=list)
    previews: int = 0

    def of(self, kind):
        return [data for name, data in self.messages if name == kind]

    @property
    def kinds(self):
        return [name for name, _ in self.messages]


@pytest.fixture
def run(miniature_server):
    """A builder: run a prompt as a page does, and hear what it is sent; stop it after some messages of a kind."""

    def go(prompt, *, listens=True, stop_after=None, client="a-page"):
        return asyncio.run(_run(miniature_server, prompt, client, listens, stop_after))

    return go


async def _run(server, prompt, client, listens, stop_after):
    heard = Heard()
    async with aiohttp.ClientSession(server.url) as session, session.ws_connect(f"/ws?clientId={client}") as socket:
        await socket.receive()  # it knows us now
        if listens:
            async with session.post("/api/likeness/listen", json={"client_id": client}) as answer:
                assert (answer.status, await answer.json()) == (200, {"listens": True})
        queued = await asyncio.to_thread(server.queue, prompt, client)
        while not set(ENDS) & set(heard.kinds):
            message = await asyncio.wait_for(socket.receive(), 120)
            if message.type is aiohttp.WSMsgType.BINARY:
                heard.previews += int.from_bytes(message.data[:4], "big") in PREVIEWS
                continue
            said = json.loads(message.data)
            heard.messages.append((said["type"], said["data"]))
            if said["type"] == stop_after:
                async with session.post("/interrupt", json={}):
                    stop_after = None
        await _hear_the_rest(socket, heard)
    assert {data["prompt_id"] for data in (*heard.of(ROUTING), *heard.of(GUIDANCE))} <= {queued}
    return heard


async def _hear_the_rest(socket, heard):
    """What comes within a second of the end."""
    try:
        while True:
            message = await asyncio.wait_for(socket.receive(), 1)
            if message.type is aiohttp.WSMsgType.TEXT:
                said = json.loads(message.data)
                heard.messages.append((said["type"], said["data"]))
    except asyncio.TimeoutError:
        return


def test_two_people_are_followed_and_shown_with_previews(run):
    prompt = read(TWO, seed=101)
    heard = run(prompt)
    told = heard.of(ROUTING)
    steps = [each["step"] for each in told]
    assert steps[0] == 1
    assert steps == sorted(set(steps))
    assert {each["steps"] for each in told} == {STEPS}
    shown = named(prompt, "LikenessShowRoutingMap")
    assert {(each["node"], *each["views"]) for each in told} == {(named(prompt, "KSampler"), shown)}
    assert [len(base64.b64decode(each["data"])) for each in told] == [
        each["grid"][0] * each["grid"][1] for each in told
    ]
    assert heard.previews >= STEPS
    [executed] = [data["output"] for data in heard.of("executed") if data["node"] == shown]
    after = executed["likeness_routing"]
    assert [len(each["steps"]) for each in after] == [STEPS] * 4
    assert [person["colour"] for person in after[0]["people"]] == [person["colour"] for person in told[0]["people"]]
    assert len(executed["likeness_pictures"]) == 4
    assert executed["images"]


def test_guidance_is_followed_and_shown(run):
    prompt = read(GUIDED, seed=102)
    heard = run(prompt)
    told, shown = heard.of(GUIDANCE), named(prompt, "LikenessShowGuidance")
    counts = [len(each["people"][0]["points"]) for each in told]
    assert counts == sorted(set(counts))
    assert {tuple(each["views"]) for each in told} == {(shown,)}
    [executed] = [data["output"] for data in heard.of("executed") if data["node"] == shown]
    [after] = executed["likeness_guidance"]
    assert after["people"][0]["points"][: counts[-1]] == told[-1]["people"][0]["points"]
    assert executed["images"]


def test_nothing_is_sent_to_a_page_that_does_not_listen(run):
    heard = run(read(TWO, seed=103, steps=3), listens=False, client="another-page")
    assert heard.of(ROUTING) == []
    assert heard.of("executed")


def test_nothing_is_sent_where_no_node_shows_runs(run):
    prompt = read(TWO, seed=104, steps=3)
    del prompt[named(prompt, "LikenessShowRoutingMap")]
    assert run(prompt).of(ROUTING) == []


def test_nodes_of_a_subgraph_are_named_as_the_page_names_them(run):
    prompt = renamed(read(TWO, seed=105, steps=3), "12")
    told = run(prompt).of(ROUTING)
    assert told
    nodes = (named(prompt, "KSampler"), named(prompt, "LikenessShowRoutingMap"))
    assert {(each["node"], *each["views"]) for each in told} == {nodes}
    assert nodes[0].startswith("12:")


def test_a_run_that_is_stopped_says_nothing_more(run):
    heard = run(read(TWO, seed=106, steps=60), stop_after=ROUTING)
    end = heard.kinds.index("execution_interrupted")
    assert ROUTING not in heard.kinds[end:]
    assert heard.of(ROUTING)[-1]["step"] < 60
    again = run(read(TWO, seed=107, steps=2)).of(ROUTING)
    assert [each["steps"] for each in again] == [2] * len(again)
    assert again


def test_two_samplers_of_one_prompt_are_told_apart(run):
    prompt = read(TWO, seed=108, steps=3)
    second = renamed(read(TWO, seed=109, steps=2), "20")
    told = run({**prompt, **second}).of(ROUTING)
    assert {(each["node"], each["steps"], *each["views"]) for each in told} == {
        (named(nodes, "KSampler"), steps, named(nodes, "LikenessShowRoutingMap"))
        for nodes, steps in ((prompt, 3), (second, 2))
    }


@pytest.mark.parametrize("body", [b"", b"[]", b"{}", b'{"client_id": "nobody"}', b'{"client_id": [1]}', b"\xff{"])
def test_what_is_no_page_is_refused(body, miniature_server):
    async def ask():
        async with (
            aiohttp.ClientSession(miniature_server.url) as session,
            session.post("/api/likeness/listen", data=body) as answer,
        ):
            return answer.status

    assert asyncio.run(ask()) == 400
