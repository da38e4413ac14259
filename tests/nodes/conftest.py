"""Nodes executed as ComfyUI does it."""

from types import SimpleNamespace

import pytest
import torch


@pytest.fixture
def execute(monkeypatch):
    """Execute a node in inference mode, with a queued prompt or none; widgets that are not given have their defaults."""

    def run(node, *, prompt=None, unique_id="1", **inputs):
        hidden = SimpleNamespace(prompt=prompt, unique_id=unique_id, extra_pnginfo=None)
        monkeypatch.setattr(node, "hidden", hidden, raising=False)
        widgets = {each.id: getattr(each, "default", None) for each in node.define_schema().inputs}
        defaults = {name: value for name, value in widgets.items() if value is not None}
        with torch.inference_mode():
            return node.execute(**{**defaults, **inputs})

    return run


@pytest.fixture
def shown():
    """The number of pictures that a node shows."""

    def count(output):
        ui = output.ui if isinstance(output.ui, dict) else output.ui.as_dict()
        return len(ui["images"])

    return count
