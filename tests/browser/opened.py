"""ComfyUI's page, opened in a browser of its own, for tests of what the pack adds to it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from likeness.tests.browser.chromium import Page, find_chromium
from likeness.tools.comfyui.folders import version_key

READY = "window.app?.graph && window.app.canvas && window.LiteGraph && document.querySelector('canvas')"
VERSION = "window.__COMFYUI_FRONTEND_VERSION__"
NODES_2 = (1, 33)  # the first page whose Nodes 2.0 is more than an experiment
SETTING = "window.app.extensionManager.setting.set(%s, %s)"
QUEUE = """
new Promise((done) => {
  const api = window.comfyAPI.api.api;
  for (const name of ['execution_success', 'execution_error', 'execution_interrupted']) {
    api.addEventListener(name, (event) => done(JSON.stringify({ name, detail: event.detail })), { once: true });
  }
  window.app.queuePrompt(0);
})
"""


@contextmanager
def opened(url: str, size: tuple[int, int] = (1600, 1000)) -> Iterator[Page]:
    """Open the page of a running ComfyUI; skips the test where there is no Chromium."""
    browser = find_chromium()
    if browser is None:
        pytest.skip("needs Chromium: install it, for example with apt-get install chromium")
    with Page(browser, size) as page:
        page.open(url)
        page.wait_for(READY)
        rest(page, 3)  # its own first workflow is still being drawn
        yield page


@contextmanager
def opened_in(url: str, language: str) -> Iterator[Page]:
    """Open the page in a language; afterwards the user's setting is English again."""
    with opened(url) as page:
        try:
            set_setting(page, "Comfy.Locale", language)
            page.open(url)
            page.wait_for(READY)
            rest(page, 4)
            yield page
        finally:
            set_setting(page, "Comfy.Locale", "en")


def rest(page: Page, seconds: float) -> None:
    """Leave the page to itself."""
    page.evaluate(f"new Promise((done) => setTimeout(done, {1000 * seconds:.0f}))")


def is_new(page: Page) -> bool:
    """Whether the page has Nodes 2.0, and shows errors without their own text."""
    return version_key(page.evaluate(VERSION)) >= NODES_2


def set_setting(page: Page, name: str, value: Any) -> None:
    """Change a setting of the page."""
    page.evaluate(SETTING % (json.dumps(name), json.dumps(value)))
    rest(page, 0.5)


def load(page: Page, prompt: dict) -> None:
    """Open a graph in API format as a workflow."""
    page.messages.clear()
    page.evaluate(f"window.app.loadApiJson({json.dumps(prompt)}, 'test')")
    page.wait_for(f"window.app.graph._nodes.length === {len(prompt)}")
    for _ in range(3):
        page.press("Escape")
    rest(page, 0.5)


def queue(page: Page, seconds: float = 300) -> dict:
    """Run what is open; gives name and detail of the event that ended it."""
    return json.loads(page.evaluate(QUEUE, seconds))
