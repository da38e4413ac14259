"""ComfyUI's server, where there is one: the prompt that runs, which pages listen, and what they are told."""

from __future__ import annotations

import logging
import sys
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

ROUTE = "/likeness/listen"
POLL_SECONDS = 0.02  # between two looks at whether a copy from the device has arrived
MOST_LETTERS = 80  # of a client's id

Message = Callable[[], dict[str, Any]]
Prompt = Mapping[str, Mapping[str, Any]]

logger = logging.getLogger(__name__)
_listening: set[str] = set()


def server() -> Any:
    """The running server; None where there is none.

    Importing ComfyUI's module here would set up one.
    """
    instance = getattr(getattr(sys.modules.get("server"), "PromptServer", None), "instance", None)
    return None if getattr(instance, "prompt_queue", None) is None else instance


def running_prompts() -> list[tuple[str, Prompt]] | None:
    """The id and the nodes of every prompt that runs; None outside ComfyUI's server."""
    found = server()
    if found is None:
        return None
    with found.prompt_queue.mutex:
        return [(item[1], item[2]) for item in found.prompt_queue.currently_running.values()]


def is_queued(node_id: str) -> bool:
    """Whether the running prompt has a node of a class.

    Outside ComfyUI's server nothing is known about the graph, so the answer is yes.
    """
    running = running_prompts()
    return running is None or any(
        node.get("class_type") == node_id for _, prompt in running for node in prompt.values()
    )


def listen(client: Any) -> bool:
    """Note that a page wants to be told of runs; False where no such page is connected.

    Args:
        client: the id by which ComfyUI knows the page.
    """
    found = server()
    sockets = {} if found is None else found.sockets
    _listening.intersection_update(sockets)  # forgets those who are gone
    is_known = isinstance(client, str) and 0 < len(client) <= MOST_LETTERS and client in sockets
    if is_known:
        _listening.add(client)
    return is_known


def register_route() -> None:
    """Let pages say that they listen: `POST /likeness/listen {"client_id": …}`; once, while ComfyUI loads the pack."""
    instance = getattr(getattr(sys.modules.get("server"), "PromptServer", None), "instance", None)
    if instance is None or any(getattr(route, "path", None) == ROUTE for route in instance.routes):
        return
    from aiohttp import web

    async def answer(request: Any) -> Any:
        try:
            said = await request.json()
        except ValueError:
            said = None
        is_known = listen(said.get("client_id") if isinstance(said, dict) else None)
        return web.json_response({"listens": is_known}, status=200 if is_known else 400)

    instance.routes.post(ROUTE)(answer)


@dataclass(eq=False, slots=True)
class Channel:
    """The way to the page whose prompt runs.

    Attributes:
        server: ComfyUI's.
        client: the page's id.
        prompt_id: of the prompt.
        node: the id under which the page shows the node that samples; in a subgraph such as "12:7".
        views: the same of the nodes that are to show the run.
        is_cancelled: whether nothing more is to be said.
    """

    server: Any
    client: str
    prompt_id: str
    node: str
    views: tuple[str, ...]
    is_cancelled: bool = False
    _waiting: deque[tuple[str, Callable[[], bool], Message]] = field(default_factory=deque)

    @property
    def is_open(self) -> bool:
        """Whether the page is still connected and anything may be said."""
        return not self.is_cancelled and self.client in self.server.sockets

    def send(self, event: str, is_ready: Callable[[], bool], make: Message) -> None:
        """Send a message as soon as what it is made of is there, behind those before it; returns at once.

        Args:
            event: its name.
            is_ready: whether it can be made; asked in the server's own thread.
            make: what it says beside prompt and nodes; called there too.
        """
        self._waiting.append((event, is_ready, make))
        self.server.loop.call_soon_threadsafe(self._flush)

    def _flush(self) -> None:
        while self._waiting and not self.is_cancelled:
            event, is_ready, make = self._waiting[0]
            if not is_ready():
                self.server.loop.call_later(POLL_SECONDS, self._flush)
                return
            self._waiting.popleft()
            about = {"prompt_id": self.prompt_id, "node": self.node, "views": list(self.views)}
            self.server.send_sync(event, {**about, **make()}, self.client)


def open_channel(*classes: str) -> Channel | None:
    """The way to the page whose prompt runs, if it listens and the prompt has a node that shows runs; None otherwise.

    Args:
        classes: of the nodes that show runs; those count as views to which the node that runs leads.
    """
    from comfy_execution.utils import get_executing_context

    found, executing = server(), get_executing_context()
    client = getattr(found, "client_id", None)
    if found is None or executing is None or client not in _listening or client not in found.sockets:
        return None
    prompts = dict(running_prompts() or ())
    prompt = prompts.get(executing.prompt_id, {})
    shown = [name for name, node in prompt.items() if node.get("class_type") in classes]
    if not shown:
        return None
    node = str(found.last_node_id or executing.node_id)
    views = tuple(name for name in shown if node in _before(prompt, name))
    return Channel(found, client, executing.prompt_id, node, views)


def _before(prompt: Prompt, node: str) -> set[str]:
    """The ids of all nodes that lead to one."""
    seen: set[str] = set()
    coming = [node]
    while coming:
        for value in prompt.get(coming.pop(), {}).get("inputs", {}).values():
            if isinstance(value, list) and len(value) == 2 and str(value[0]) not in seen:
                seen.add(str(value[0]))
                coming.append(str(value[0]))
    return seen
