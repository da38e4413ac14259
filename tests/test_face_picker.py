"""The face picker and the people of a chain in a real browser, by mouse and by keyboard, in `make test-long`."""

from __future__ import annotations

import json
import time

import pytest
from likeness.tests.browser.chromium import Page, find_chromium
from likeness.tests.test_browser import NODES_2, READY, RENDERER, SCREENSHOTS, TO_PROMPT, VERSION, is_error
from likeness.tools.comfyui.folders import version_key
from likeness.tools.portraits import write_all
from PIL import Image

pytestmark = [pytest.mark.comfy, pytest.mark.long]

DRAWN = "drawn faces (miniature)"
HOSTILE = "<img src=x onerror=window.hacked=1>'\"&.png"
BUILD = """
(async () => {
  const app = window.app, make = (type, x, y) => {
    const node = window.LiteGraph.createNode(type);
    node.pos = [x, y];
    app.graph.add(node);
    return node;
  };
  const set = (node, values) => {
    for (const [name, value] of Object.entries(values)) node.widgets.find((w) => w.name === name).value = value;
  };
  app.graph.clear();
  window.before = make('LikenessAddPerson', 0, 0).widgets.filter((w) => w.serialize !== false).length;
  app.graph.clear();
  const load = make('LoadImage', 0, 40), add = make('LikenessAddPerson', 380, 40);
  set(load, { image: %(image)s });
  load.connect(0, add, 'photo');
  set(add, { detector: %(detector)s, name: %(name)s });
  const tiny = make('LikenessLoadMiniature', 0, 640), apply = make('LikenessApplyUniPortrait', 800, 40);
  const slot = (node, name) => node.outputs.findIndex((output) => output.name === name);
  tiny.connect(slot(tiny, 'model'), apply, 'model');
  tiny.connect(slot(tiny, 'uniportrait'), apply, 'uniportrait');
  add.connect(slot(add, 'people'), apply, 'people');
  const look = make('PreviewImage', 1200, 40), strip = make('PreviewImage', 1200, 340);
  add.connect(slot(add, 'preview'), look, 0);
  apply.connect(slot(apply, 'preview'), strip, 0);
  window.add = add.id; window.applying = apply.id; window.loading = load.id;
  app.canvas.ds.scale = 1; app.canvas.ds.offset[0] = 120; app.canvas.ds.offset[1] = 120;
  app.canvas.setDirty(true, true);
  const tracker = app.extensionManager.workflow.activeWorkflow?.changeTracker;
  (tracker?.captureCanvasState ?? tracker?.checkState)?.call(tracker);
})()
"""
FACES = "[...document.querySelectorAll('.likeness-face')]"
TAKEN = FACES + ".map((b) => b.getAttribute('aria-pressed'))"
MIDDLE = "(() => { const b = %s.getBoundingClientRect(); return [b.x + b.width / 2, b.y + b.height / 2]; })()"
VALUE = "window.app.graph.getNodeById(window.add).widgets.find((w) => w.name === '%s').value"
RUN = """
new Promise((done) => {
  const api = window.comfyAPI.api.api;
  for (const name of ['execution_success', 'execution_error', 'execution_interrupted']) {
    api.addEventListener(name, (event) => done(name + (event.detail.exception_message ?? '')), { once: true });
  }
  window.app.queuePrompt(0);
})
"""


@pytest.fixture(scope="module")
def page(miniature_server):
    browser = find_chromium()
    if browser is None:
        pytest.skip("needs Chromium: install it, for example with apt-get install chromium")
    server = miniature_server
    write_all(server.base / "portraits")
    portraits = [
        Image.open(path).convert("RGB").resize((256, 256)) for path in sorted((server.base / "portraits").glob("*.png"))
    ]
    group = Image.new("RGB", (512, 256))
    for place, portrait in enumerate(portraits[:2]):
        group.paste(portrait, (256 * place, 0))
    for name in ("group.png", HOSTILE):
        group.save(server.base / "input" / name, "PNG")
    Image.new("RGB", (300, 200), (90, 120, 90)).save(server.base / "input" / "nobody.png")
    with Page(browser, (1900, 1200)) as page:
        page.open(server.url)
        page.wait_for(READY)
        page.evaluate("new Promise((done) => setTimeout(done, 3000))")
        for _ in range(3):
            page.press("Escape")
        yield page


@pytest.fixture(params=["canvas", "nodes2"])
def renderer(request, page):
    is_vue = request.param == "nodes2"
    if is_vue and version_key(page.evaluate(VERSION)) < NODES_2:
        pytest.skip("this page has no Nodes 2.0")
    page.evaluate(RENDERER % json.dumps(is_vue))
    yield request.param
    page.evaluate(RENDERER % "false")


@pytest.fixture
def build(page, renderer):
    def run(image="group.png", detector=DRAWN, name=""):
        page.messages.clear()
        values = {key: json.dumps(value) for key, value in (("image", image), ("detector", detector), ("name", name))}
        page.evaluate(BUILD % values)

    return run


@pytest.fixture
def photograph(page, renderer, comfy_folder):
    return lambda name: page.photograph(SCREENSHOTS / comfy_folder.version / f"picker - {name} - {renderer}.png")


def inputs(page):
    return json.loads(page.evaluate(TO_PROMPT))[str(page.evaluate("window.add"))]["inputs"]


def click(page, element):
    page.click(*page.evaluate(MIDDLE % element))


def box(number):
    return f"document.querySelector('.likeness-face[data-face=\"{number}\"]')"


def test_a_face_is_picked_before_and_after_a_run(page, build, photograph):
    build()
    page.wait_for(f"{FACES}.length === 2", 30)
    photograph("before a run")
    assert page.evaluate(TAKEN) == ["true", "false"]
    click(page, box(2))
    page.wait_for(f"{VALUE % 'face'} === 2")
    assert inputs(page)["face"] == 2
    assert page.evaluate("document.querySelectorAll('.likeness-face[aria-pressed=true]').length") == 1
    assert page.evaluate(RUN, 300) == "execution_success"
    time.sleep(2)
    photograph("after a run")
    assert page.evaluate(TAKEN) == ["false", "true"]
    sent = page.evaluate("window.app.nodeOutputs[window.add].likeness_faces")
    assert [face["place"] for face in sent if face["taken"]] == [2]
    assert page.evaluate("document.querySelectorAll('.likeness-person img').length") == 1
    assert [message for message in page.messages if is_error(message)] == []


def test_a_face_is_picked_by_keyboard_and_undone(page, build):
    build()
    page.wait_for(f"{FACES}.length === 2", 30)
    page.evaluate(f"{box(1)}.focus()")
    page.press_with("Tab")
    assert page.evaluate("document.activeElement.dataset.face") == "2"
    page.press_with(" ", text=" ")
    page.wait_for(f"{VALUE % 'face'} === 2")
    click(page, box(1))
    page.wait_for(f"{VALUE % 'face'} === 1")
    page.press_with("z", modifiers=2)
    page.wait_for(f"{VALUE % 'face'} === 2", 20)
    page.wait_for("document.querySelectorAll('.likeness-face[aria-pressed=true]').length === 1", 20)
    page.wait_for(f"{box(2)}?.getAttribute('aria-pressed') === 'true'", 20)


def test_saved_workflows_do_not_grow_and_come_back(page, build):
    build()
    page.wait_for(f"{FACES}.length === 2", 30)
    click(page, box(2))
    page.wait_for(f"{VALUE % 'face'} === 2")
    saved = page.evaluate("JSON.stringify(window.app.graph.serialize())")
    [node] = [node for node in json.loads(saved)["nodes"] if node["type"] == "LikenessAddPerson"]
    assert len(node["widgets_values"]) == page.evaluate("window.before")
    page.evaluate(f"window.app.loadGraphData({saved})")
    page.wait_for(f"{box(2)}?.getAttribute('aria-pressed') === 'true'", 30)
    assert page.evaluate("document.querySelectorAll('.likeness-photo').length") == 1
    page.evaluate("""
      (() => { const c = window.app.canvas, n = window.app.graph.getNodeById(window.add);
               c.selectItems([n]); c.copyToClipboard(); c.pasteFromClipboard(); })()
    """)
    names = "window.app.graph._nodes.filter((n) => n.type === 'LikenessAddPerson').map((n) => n.widgets.filter((w) => w.name === 'likeness_faces').length)"
    page.wait_for(f"{names}.length === 2")
    assert page.evaluate(names) == [1, 1]


def test_no_face_is_said_and_one_is_drawn(page, build, photograph):
    build("nobody.png")
    page.wait_for("document.querySelector('.likeness-say')?.textContent.startsWith('No face was found')", 30)
    photograph("no face")
    click(page, "[...document.querySelectorAll('.likeness-button')].find((b) => b.textContent.startsWith('Draw'))")
    left, top, width, height = page.evaluate(
        "(() => { const b = document.querySelector('.likeness-photo img').getBoundingClientRect(); return [b.x, b.y, b.width, b.height]; })()"
    )
    page.drag((left + 0.25 * width, top + 0.25 * height), (left + 0.5 * width, top + 0.75 * height))
    page.wait_for(f"{VALUE % 'detector'} === 'given region'", 10)
    numbers = [float(number) for number in inputs(page)["region"].split()]
    assert numbers == pytest.approx([75, 50, 150, 150], abs=3)
    page.wait_for(f"{FACES}.length === 1", 30)
    photograph("drawn face")


def test_hostile_names_are_only_text(page, build):
    build(HOSTILE, name="<img src=x onerror=window.hacked=1>")
    page.wait_for(f"{FACES}.length === 2", 30)
    assert page.evaluate(RUN, 300) == "execution_success"
    page.wait_for("document.querySelector('.likeness-person')?.textContent.includes('onerror')", 20)
    bad = {
        "likeness_photos": [{"filename": "<b>"}, None],
        "likeness_faces": [{"box": [None, "x", 2, 3]}, {"box": 7}, None] * 300,
    }
    page.evaluate(f"window.app.graph.getNodeById(window.add).onExecuted({json.dumps(bad)})")
    time.sleep(1)
    assert page.evaluate("window.hacked") is None


def test_somebody_who_is_in_no_chain_is_amber_and_can_be_connected(page, build, photograph):
    build(name="Ann")
    page.evaluate("""
      (() => { const node = window.LiteGraph.createNode('LikenessAddPerson'); node.pos = [380, 700]; window.app.graph.add(node);
               window.app.graph.getNodeById(window.loading).connect(0, node, 'photo');
               node.widgets.find((w) => w.name === 'name').value = 'Ben'; window.second = node.id; })()
    """)
    page.wait_for("document.querySelector('.likeness-amber')?.textContent.includes('Ben is not in the chain')", 20)
    photograph("amber")
    click(page, "document.querySelector('.likeness-amber button')")
    page.wait_for(
        "document.querySelectorAll('.likeness-person').length === 2 && !document.querySelector('.likeness-amber')", 20
    )
    prompt = json.loads(page.evaluate(TO_PROMPT))
    first, second, last = (str(page.evaluate(f"window.{name}")) for name in ("add", "second", "applying"))
    assert prompt[second]["inputs"]["people"] == [first, 0]
    assert prompt[last]["inputs"]["people"] == [second, 0]
