"""What the graph that is being executed contains."""

from __future__ import annotations

import sys
from typing import Any


def is_queued(node_id: str) -> bool:
    """Whether the running prompt has a node of a class.

    Outside ComfyUI's server nothing is known about the graph, so the answer is yes.
    """
    # Importing the module here would set up a server where there is none.
    server: Any = sys.modules.get("server")
    instance = getattr(getattr(server, "PromptServer", None), "instance", None)
    if instance is None or getattr(instance, "prompt_queue", None) is None:
        return True
    queue = instance.prompt_queue
    with queue.mutex:
        running = list(queue.currently_running.values())
    return any(node.get("class_type") == node_id for item in running for node in item[2].values())
