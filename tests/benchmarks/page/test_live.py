"""What telling a page costs, tried out without a ComfyUI."""

from __future__ import annotations

from types import SimpleNamespace

from likeness.benchmarks.page.live import PAGE, Page, replaced


def test_messages_are_weighed_as_json():
    page = Page()
    page.send_sync("likeness.routing", {"step": 1}, PAGE)
    assert page.bytes == [len('{"type": "likeness.routing", "data": {"step": 1}}')]


def test_what_stood_there_comes_back():
    module = SimpleNamespace(pause=0.25)
    try:
        with replaced(module, "pause", 0.0):
            assert module.pause == 0
            raise KeyError
    except KeyError:
        assert module.pause == 0.25
