"""A server for the tests of this folder."""

from __future__ import annotations

import pytest
from likeness.evaluation.hosts import server as server_module
from likeness.tests.evaluation.hosts.small_server import SmallServer


@pytest.fixture
def comfyui(monkeypatch):
    monkeypatch.setattr(server_module, "PAUSE", 0.01)
    server = SmallServer()
    yield server
    server.shutdown()
    server.server_close()
