"""What the running prompt contains."""

from __future__ import annotations

import sys
import threading
from types import SimpleNamespace

import pytest

pytestmark = pytest.mark.comfy


def is_queued(node):
    from likeness.host.sampling.queue import is_queued

    return is_queued(node)


def serve(monkeypatch, *prompts):
    """A server that runs some prompts, as ComfyUI's queue keeps them: (number, id, prompt, extra, outputs)."""
    running = {number: (number, str(number), prompt, {}, []) for number, prompt in enumerate(prompts)}
    queue = SimpleNamespace(mutex=threading.RLock(), currently_running=running)
    instance = SimpleNamespace(prompt_queue=queue)
    monkeypatch.setitem(sys.modules, "server", SimpleNamespace(PromptServer=SimpleNamespace(instance=instance)))
    return instance


def test_a_node_of_any_running_prompt_is_found(monkeypatch):
    serve(monkeypatch, {"1": {"class_type": "KSampler"}}, {"7": {"class_type": "LikenessShowRoutingMap"}, "8": {}})
    assert is_queued("LikenessShowRoutingMap")
    assert is_queued("KSampler")
    assert not is_queued("LikenessShowGuidance")


def test_where_nothing_runs_nothing_is_queued(monkeypatch):
    serve(monkeypatch)
    assert not is_queued("KSampler")


@pytest.mark.parametrize("missing", ["module", "instance", "queue"])
def test_without_a_server_nothing_is_known_so_the_answer_is_yes(monkeypatch, missing):
    if missing == "module":
        monkeypatch.delitem(sys.modules, "server", raising=False)
    elif missing == "instance":
        monkeypatch.setitem(sys.modules, "server", SimpleNamespace(PromptServer=type("PromptServer", (), {})))
    else:
        serve(monkeypatch).prompt_queue = None
    assert is_queued("KSampler")
    assert missing != "module" or "server" not in sys.modules  # asking must not set one up
