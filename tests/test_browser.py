"""Workflows opened in a real browser, as a user sees them, in `make test-long`.

The screenshots land in `output/screenshots`.
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from likeness.tests.browser.chromium import Page, find_chromium
from likeness.tests.tools.workflows.geometry import overlaps
from likeness.tools.comfyui.folders import version_key
from likeness.tools.portraits import write_all
from likeness.tools.workflows.miniature import WORKFLOWS as MINIATURE
from likeness.tools.workflows.write import WORKFLOWS

ROOT = Path(__file__).resolve().parents[1]
FOLDER = ROOT / "workflows"
SCREENSHOTS = ROOT / "output" / "screenshots"
READY = "window.app?.graph && window.app.canvas && window.LiteGraph && document.querySelector('canvas')"
# The page asks for files that a fresh user folder lacks, and its own first workflow names models of other people.
NOT_OURS = ("Failed to load resource", "Connecting to ", "ComfyApp graph accessed before initialization")

SHOW_ALL = """
(() => {
  const groups = window.app.graph._groups;
  const left = Math.min(...groups.map((g) => g.pos[0])), top = Math.min(...groups.map((g) => g.pos[1]));
  const right = Math.max(...groups.map((g) => g.pos[0] + g.size[0]));
  const bottom = Math.max(...groups.map((g) => g.pos[1] + g.size[1]));
  const canvas = window.app.canvas, width = window.innerWidth - 160, height = window.innerHeight - 160;
  const scale = Math.min(width / (right - left), height / (bottom - top));
  canvas.ds.scale = scale;
  canvas.ds.offset[0] = -left + 90 / scale;
  canvas.ds.offset[1] = -top + 80 / scale;
  canvas.setDirty(true, true);
})()
"""
MISSING = """
window.app.graph._nodes.filter((n) => !(n.type in window.LiteGraph.registered_node_types)).map((n) => n.type)
"""
LOADED = "window.app.graph._nodes.length"
TO_PROMPT = "window.app.graphToPrompt().then((r) => JSON.stringify(r.output))"
QUEUE = """
new Promise((done) => {
  const api = window.comfyAPI.api.api;
  for (const name of ['execution_success', 'execution_error', 'execution_interrupted']) {
    api.addEventListener(name, () => done(name), { once: true });
  }
  window.app.queuePrompt(0);
})
"""
VERSION = "window.__COMFYUI_FRONTEND_VERSION__"
NODES_2 = (1, 33)  # the first page whose Nodes 2.0 is more than an experiment that keeps the nodes of the last workflow
RENDERER = "window.app.extensionManager.setting.set('Comfy.VueNodes.Enabled', %s)"
IN_CANVAS = """
window.app.graph._nodes.map((n) => [n.pos[0], n.pos[1] - 30, n.pos[0] + n.size[0], n.pos[1] + n.size[1]])
"""
IN_PAGE = """
[...document.querySelectorAll('[data-node-id]')].map((n) => n.getBoundingClientRect())
  .map((box) => [box.left, box.top, box.right, box.bottom])
"""
HELP = """
fetch('/extensions/ComfyUI-Likeness/docs/LikenessApplyUniPortrait.md').then((r) => r.ok ? r.text() : '' + r.status)
"""


@pytest.fixture(scope="session")
def definitions(comfy_server) -> dict:
    return comfy_server.object_info()


@pytest.fixture(scope="module")
def page(comfy_server):
    browser = find_chromium()
    if browser is None:
        pytest.skip("needs Chromium: install it, for example with apt-get install chromium")
    write_all(comfy_server.base / "portraits")
    for place, portrait in enumerate(sorted((comfy_server.base / "portraits").glob("*.png")), 1):
        comfy_server.add_input(portrait, f"person-{place}.png")
        comfy_server.add_input(portrait, "poses.png")
    with Page(browser) as page:
        page.open(comfy_server.url)
        page.wait_for(READY)
        page.evaluate("new Promise((done) => setTimeout(done, 3000))")  # its own first workflow is still being drawn
        yield page


@pytest.fixture(params=["canvas", "nodes2"])
def renderer(request, page):
    """One of the page's two ways to draw nodes, by name: the canvas, or Nodes 2.0 where the page has it."""
    is_vue = request.param == "nodes2"
    if is_vue and version_key(page.evaluate(VERSION)) < NODES_2:
        pytest.skip("this page has no Nodes 2.0")
    page.evaluate(RENDERER % json.dumps(is_vue))
    yield request.param
    page.evaluate(RENDERER % "false")


@pytest.fixture
def open_workflow(page):
    """Open a workflow, all of it in the window; gives its UI format."""

    def load(name):
        found = json.loads((FOLDER / f"{name}.json").read_text("utf-8"))
        if "linearMode" in found["extra"]:
            found["extra"]["linearMode"] = False  # the graph of an app
        page.messages.clear()
        page.evaluate(f"window.app.loadGraphData({json.dumps(found)})")
        page.wait_for(f"{LOADED} === {len(found['nodes'])}")
        for _ in range(3):
            page.press("Escape")  # closes what the page says about models that are not here, and to newcomers
        page.evaluate(SHOW_ALL)
        page.evaluate("new Promise((done) => setTimeout(done, 1000))")
        return found

    return load


def rectangles(page, renderer):
    return page.evaluate(IN_PAGE if renderer == "nodes2" else IN_CANVAS)


@pytest.mark.comfy
@pytest.mark.slow
@pytest.mark.parametrize("name", WORKFLOWS)
def test_workflow_opens_without_a_missing_node(name, renderer, page, open_workflow, comfy_folder, definitions):
    ui = open_workflow(name)
    page.photograph(SCREENSHOTS / comfy_folder.version / f"{name} - {renderer}.png")
    assert page.evaluate(MISSING) == []
    assert [message for message in page.messages if is_error(message)] == []
    shown = known_inputs(json.loads(page.evaluate(TO_PROMPT)), definitions)
    assert shown == json.loads((FOLDER / "api" / f"{name}.json").read_text("utf-8"))
    places = rectangles(page, renderer)
    assert len(places) == len(ui["nodes"])
    assert overlaps(places) == []


@pytest.mark.comfy
@pytest.mark.slow
@pytest.mark.parametrize("name", MINIATURE)
def test_no_node_covers_another_after_a_run(name, renderer, page, open_workflow, comfy_folder):
    ui = open_workflow(name)
    assert page.evaluate(QUEUE, 600) == "execution_success"
    page.evaluate("new Promise((done) => setTimeout(done, 3000))")  # previews are being fetched and drawn
    page.photograph(SCREENSHOTS / comfy_folder.version / f"{name} - after a run - {renderer}.png")
    places = rectangles(page, renderer)
    assert len(places) == len(ui["nodes"])
    assert overlaps(places) == []


@pytest.mark.comfy
@pytest.mark.slow
def test_help_pages_are_served(page):
    assert page.evaluate(HELP).startswith("# Apply UniPortrait")


def is_error(message: tuple[str, str, str]) -> bool:
    level, text, _ = message
    return level == "error" and not text.startswith(NOT_OURS)


def known_inputs(prompt: dict, definitions: dict) -> dict:
    """Leave out what the page adds for itself, such as the text that an earlier run showed."""
    for node in prompt.values():
        sections = definitions[node["class_type"]]["input"].values()
        known = {name for section in sections for name in section}
        node["inputs"] = {name: value for name, value in node["inputs"].items() if name in known}
    return prompt
