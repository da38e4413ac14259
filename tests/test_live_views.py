"""What a page shows of runs, in a real browser, in `make test-long`. The screenshots land in `output/screenshots`."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from likeness.tests.browser.chromium import Page, find_chromium
from likeness.tests.test_browser import LOADED, NODES_2, QUEUE, READY, RENDERER, SCREENSHOTS, TO_PROMPT, VERSION
from likeness.tools.comfyui.folders import version_key

pytestmark = [pytest.mark.comfy, pytest.mark.slow, pytest.mark.long]

FOLDER = Path(__file__).resolve().parents[1] / "workflows"
TWO, GUIDED = "1 Try without download - two people", "4 Try without download - guidance"
MAP, CURVES = "LikenessShowRoutingMap", "LikenessShowGuidance"
WAIT = "new Promise((done) => setTimeout(done, %d))"
NEW_SEED = """
window.app.graph._nodes.forEach((n) => n.widgets?.forEach((w) => {
  if (w.name === 'seed') w.value = %d;
  if (w.name === 'steps') w.value = 8;
}))
"""
HEAR = """
(() => {
  window.heard = [];
  const api = window.comfyAPI.api.api;
  for (const kind of ['likeness.routing', 'likeness.guidance']) {
    api.addEventListener(kind, () => setTimeout(() => window.heard.push(window.seen?.() ?? null), 0));
  }
})()
"""
FIND = """
(() => {
  const all = (graph) => graph._nodes.flatMap((n) => [n, ...(n.subgraph ? all(n.subgraph) : [])]);
  window.shown = all(window.app.rootGraph ?? window.app.graph).find((n) => n.comfyClass === '%s');
  window.view = window.shown.widgets.find((w) => w.name.startsWith('likeness_')).element;
})()
"""
LOOK = """
(() => {
  const n = window.shown, c = window.app.canvas;
  c.ds.scale = 1.2; c.ds.offset[0] = 300 - n.pos[0]; c.ds.offset[1] = 200 - n.pos[1]; c.setDirty(true, true);
})()
"""
PIXELS = "window.view.querySelector('canvas').toDataURL()"
CHIPS = "[...window.view.querySelectorAll('button')].map((b) => b.textContent)"
NOTE = "window.view.querySelector('.likeness-note').textContent"
POINTS = "[...window.view.querySelectorAll('polyline')].map((l) => l.getAttribute('points').split(' ').length)"
HOSTILE = """
(() => {
  const told = { prompt_id: 'p', node: '1', views: [String(window.shown.id)], step: 1, steps: 2, bits: 2, %s };
  window.comfyAPI.api.api.dispatchEvent(new CustomEvent('%s', { detail: told }));
})()
"""
NAMES = [{"name": "<img src=x onerror=window.hit=1>", "colour": "red;background:url(x)"}]


@pytest.fixture(scope="module")
def page(miniature_server):
    browser = find_chromium()
    if browser is None:
        pytest.skip("needs Chromium: install it, for example with apt-get install chromium")
    with Page(browser, (1500, 1000)) as page:
        page.open(miniature_server.url)
        page.wait_for(READY)
        page.evaluate(WAIT % 3000)
        page.evaluate(HEAR)
        yield page


@pytest.fixture(params=["canvas", "nodes2"])
def renderer(request, page):
    """One of the page's two ways to draw nodes, by name."""
    is_vue = request.param == "nodes2"
    if is_vue and version_key(page.evaluate(VERSION)) < NODES_2:
        pytest.skip("this page has no Nodes 2.0")
    page.evaluate(RENDERER % json.dumps(is_vue))
    yield request.param
    page.evaluate(RENDERER % "false")


@pytest.fixture
def show(page, renderer, comfy_folder, request):
    """A builder: open a workflow with another seed and look at the node that shows its run."""

    def load(name, kind, seed):
        text = (FOLDER / f"{name}.json").read_text("utf-8")
        page.messages.clear()
        page.evaluate(f"window.app.loadGraphData({text})")
        page.wait_for(f"{LOADED} === {len(json.loads(text)['nodes'])}")
        for _ in range(3):
            page.press("Escape")
        page.evaluate(NEW_SEED % seed)
        page.evaluate(FIND % kind)
        page.evaluate(LOOK)
        page.evaluate(WAIT % 500)

    yield load
    page.photograph(SCREENSHOTS / comfy_folder.version / f"{request.node.name}.png")


def test_who_stands_where_is_shown_live_and_step_by_step(show, page, renderer):
    seed = 11 + (renderer == "canvas")
    show(TWO, MAP, seed)
    before = json.loads(page.evaluate(TO_PROMPT))
    assert page.evaluate("window.view.hidden")
    page.evaluate(f"(() => {{ window.heard = []; window.seen = () => [{NOTE}, {CHIPS}, window.view.hidden] }})()")
    assert page.evaluate(QUEUE, 600) == "execution_success"
    heard = page.evaluate("window.heard")
    assert heard[0][0] == "step 1 of 8"
    assert [chip.rsplit(" ", 2)[0] for chip in heard[0][1]] == ["person 1", "person 2"]
    assert not any(hidden for *_, hidden in heard)
    page.evaluate(WAIT % 1500)
    assert page.evaluate("[...window.view.querySelectorAll('select')].map((s) => s.length)") == [4, 3]
    whole = page.evaluate(PIXELS)
    choose = "(() => { const s = window.view.querySelectorAll('select')[1]; s.value = '%s'; s.dispatchEvent(new Event('change')) })()"
    page.evaluate(choose % "steps")
    assert page.evaluate(NOTE) == "step 1"
    assert page.evaluate(PIXELS) != whole
    page.evaluate(choose % "whole")
    assert page.evaluate(PIXELS) == whole
    page.evaluate(NEW_SEED % seed)  # KSampler has chosen another one
    assert json.loads(page.evaluate(TO_PROMPT)) == before
    assert page.evaluate("window.shown.serialize().widgets_values.length") == 1
    assert ours(page) == []


def test_people_are_switched_by_keyboard_and_faded(show, page, renderer):
    show(TWO, MAP, 21 + (renderer == "canvas"))
    assert page.evaluate(QUEUE, 600) == "execution_success"
    page.evaluate(WAIT % 1500)
    whole = page.evaluate(PIXELS)
    page.evaluate("window.view.querySelector('button').focus()")
    press(page, " ")
    assert page.evaluate("window.view.querySelector('button').getAttribute('aria-pressed')") == "false"
    one = page.evaluate(PIXELS)
    assert one != whole
    page.evaluate(
        "(() => { const i = window.view.querySelector('[aria-label=opacity]'); i.value = 0; i.dispatchEvent(new Event('input')) })()"
    )
    assert page.evaluate(PIXELS) not in (one, whole)
    assert ours(page) == []


def test_the_curve_grows_and_can_be_read(show, page, renderer):
    show(GUIDED, CURVES, 31 + (renderer == "canvas"))
    page.evaluate(f"(() => {{ window.heard = []; window.seen = () => {POINTS} }})()")
    assert page.evaluate(QUEUE, 600) == "execution_success"
    heard = [each[0] for each in page.evaluate("window.heard")]
    assert heard == sorted(set(heard))
    page.evaluate(WAIT % 1500)
    assert page.evaluate(POINTS)[0] >= heard[-1]
    assert page.evaluate("window.view.querySelector('svg > title').textContent") == "similarity by step: person 1"
    last = page.evaluate(NOTE)
    assert last.startswith("step 8 of 8")
    page.evaluate("window.view.querySelector('svg').focus()")
    for _ in range(2):
        press(page, "ArrowLeft")
    assert page.evaluate(NOTE).startswith("step 7 of 8")
    assert ours(page) == []


def test_what_was_shown_is_there_again_in_another_tab_and_back(show, page, renderer):
    show(TWO, MAP, 41 + (renderer == "canvas"))
    assert page.evaluate(QUEUE, 600) == "execution_success"
    page.evaluate(WAIT % 1000)
    state = page.evaluate("JSON.stringify(window.app.nodeOutputs)")
    page.evaluate("window.app.loadGraphData(window.app.graph.serialize())")
    page.evaluate(WAIT % 1000)
    page.evaluate(FIND % MAP)
    page.evaluate(f"(() => {{ window.app.nodeOutputs = {state} }})()")
    page.evaluate(WAIT % 1000)
    assert not page.evaluate("window.view.hidden")
    assert len(page.evaluate(CHIPS)) == 2
    assert ours(page) == []


def test_a_view_inside_a_subgraph_is_found(show, page, renderer):
    show(TWO, MAP, 51 + (renderer == "canvas"))
    page.evaluate("window.app.canvas.graph.convertToSubgraph(new Set([window.shown])) && null")
    page.evaluate(WAIT % 1000)
    page.evaluate(FIND % MAP)
    page.evaluate(f"(() => {{ window.heard = []; window.seen = () => {NOTE} }})()")
    assert page.evaluate(QUEUE, 600) == "execution_success"
    assert page.evaluate("window.heard")[0] == "step 1 of 8"
    page.evaluate(WAIT % 1000)
    assert len(page.evaluate(CHIPS)) == 2
    assert page.evaluate("window.view.querySelectorAll('select')[1].value") == "whole"


def test_whatever_names_and_numbers_come_nothing_breaks(show, page, renderer):
    show(TWO, MAP, 1)
    good = {"grid": [1, 2], "data": "QIA=", "people": [*NAMES, {"name": "b" * 10_000, "colour": "#00ff00"}]}
    for bad in (
        {},
        {"grid": [1, 2]},
        {"grid": [9, 9], "data": "QIA="},
        {"grid": [-1, "x"], "data": "%"},
        {"grid": [1, 2], "data": "%%", "people": None},
        {"grid": [1e9, 1e9], "data": "QIA="},
    ):
        page.evaluate(HOSTILE % (json.dumps(bad)[1:-1] or '"x": 1', "likeness.routing"))
    page.evaluate(HOSTILE % (json.dumps(good)[1:-1], "likeness.routing"))
    assert page.evaluate(CHIPS)[0] == f"{NAMES[0]['name']} 50 %"
    show(GUIDED, CURVES, 1)
    for bad in ({"people": 5}, {"people": [{"name": "x"}]}, {"people": []}):
        page.evaluate(HOSTILE % (json.dumps(bad)[1:-1], "likeness.guidance"))
    points = [[1, 9.0, 0.5], [2, 5.0, None], ["x", {}, "y"]]
    page.evaluate(HOSTILE % (json.dumps({"people": [{**NAMES[0], "points": points}]})[1:-1], "likeness.guidance"))
    assert page.evaluate(CHIPS) == [NAMES[0]["name"]]
    page.evaluate(WAIT % 300)
    assert page.evaluate("window.hit ?? null") is None
    assert page.evaluate("document.querySelectorAll('.likeness-view img').length") == 0
    assert ours(page) == []


def press(page, key):
    """Press a key as a keyboard does, with the text that it writes."""
    code = "Space" if key == " " else key
    text = {"text": key} if len(key) == 1 else {}
    page.send("Input.dispatchKeyEvent", type="keyDown", key=key, code=code, windowsVirtualKeyCode=KEYS[key], **text)
    page.send("Input.dispatchKeyEvent", type="keyUp", key=key, code=code, windowsVirtualKeyCode=KEYS[key])


KEYS = {" ": 32, "ArrowLeft": 37}


def ours(page):
    """What our scripts wrote into the console as errors."""
    return [message for message in page.messages if message[0] == "error" and "ComfyUI-Likeness" in "".join(message)]
