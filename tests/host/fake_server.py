"""A stand-in for ComfyUI's server: what runs, who is connected, and what was sent."""

from __future__ import annotations

import sys
import threading
from contextlib import contextmanager
from types import SimpleNamespace

PAGE = "a page"
MAP, CURVES = "LikenessShowRoutingMap", "LikenessShowGuidance"


class FakeServer:
    """Runs what it is asked to at once, but for what is to happen later: that waits for `go_on`."""

    def __init__(self, prompt=None, prompt_id="p1"):
        self.sent, self.later = [], []
        self.sockets = {PAGE: object()}
        self.client_id, self.last_node_id = PAGE, "3"
        self.loop = SimpleNamespace(
            call_soon_threadsafe=lambda call: call(), call_later=lambda seconds, call: self.later.append(call)
        )
        running = {} if prompt is None else {0: (0, prompt_id, prompt, {}, [])}
        self.prompt_queue = SimpleNamespace(mutex=threading.RLock(), currently_running=running)

    def send_sync(self, event, data, client):
        self.sent.append((event, data, client))

    def go_on(self):
        waiting, self.later = self.later, []
        for call in waiting:
            call()

    def named(self, event):
        return [data for name, data, _ in self.sent if name == event]


def prompt(*shown, sampler="3", model="2"):
    """A prompt in which a sampler's latent goes to some nodes that show it: (id, class)."""
    nodes = {model: {"class_type": "LikenessLoadMiniature", "inputs": {}}}
    nodes[sampler] = {"class_type": "KSampler", "inputs": {"model": [model, 0], "steps": 2}}
    nodes |= {name: {"class_type": kind, "inputs": {"latent": [sampler, 0]}} for name, kind in shown}
    return nodes


@contextmanager
def serving(monkeypatch, server, *, node="3", prompt_id="p1", listens=True):
    """While it lasts, a node of a prompt runs on a server."""
    from comfy_execution.utils import CurrentNodeContext
    from likeness.host import events

    monkeypatch.setitem(sys.modules, "server", SimpleNamespace(PromptServer=SimpleNamespace(instance=server)))
    monkeypatch.setattr(events, "_listening", set())
    if listens:
        assert events.listen(PAGE)
    with CurrentNodeContext(prompt_id, node, 0):
        yield server
