"""Check Models in a real browser: its button, the report with a row per file, and a conversion by a click."""

from __future__ import annotations

import json

import pytest
from likeness.tests.browser.chromium import Page, find_chromium
from likeness.tests.models.doctor.small_models import faceid, put
from likeness.tests.repository import ROOT
from likeness.tools.comfyui.folders import version_key

pytestmark = [pytest.mark.comfy, pytest.mark.long]

SCREENSHOTS = ROOT / "output" / "screenshots"
READY = "window.app?.graph && window.app.canvas && window.LiteGraph && document.querySelector('canvas')"
VERSION = "window.__COMFYUI_FRONTEND_VERSION__"
NODES_2 = (1, 33)
RENDERER = "window.app.extensionManager.setting.set('Comfy.VueNodes.Enabled', %s)"
PAUSE = "new Promise((done) => setTimeout(done, 1500))"
REGISTER = """
import('/extensions/ComfyUI-Likeness/js/doctor.js').then(({ doctor }) => {
  if (!window.app.extensions.some((each) => each.name === doctor.name)) window.app.registerExtension(doctor);
})
"""
ADD = """
(() => {
  window.app.graph.clear();
  const node = window.LiteGraph.createNode('LikenessCheckModels');
  node.pos = [400, 250];
  window.app.graph.add(node);
  node.widgets.find((each) => each.name === 'method').value = 'UniPortrait';
  window.app.canvas.ds.scale = 1;
  window.app.canvas.ds.offset[0] = window.app.canvas.ds.offset[1] = 0;
  window.app.canvas.setDirty(true, true);
})()
"""
BUTTON, DIALOG = ".likeness-doctor-open", "dialog.likeness-doctor[open]"
SHOWN = f"(document.querySelector('{DIALOG}')?.innerText ?? '')"
ROWS = f"[...document.querySelectorAll('{DIALOG} li')]"
CENTRE = "(() => { const box = (%s).getBoundingClientRect(); return [box.left + box.width / 2, box.top + box.height / 2]; })()"
HOSTILE = "<img src=x onerror=window.pwned=1>.bin"


def click(page, element):
    """Click on the middle of an element, as a mouse does."""
    x, y = page.evaluate(CENTRE % element)
    for kind in ("mouseMoved", "mousePressed", "mouseReleased"):
        page.send("Input.dispatchMouseEvent", type=kind, x=x, y=y, button="left", clickCount=1)


@pytest.fixture(scope="module")
def page(miniature_server):
    browser = find_chromium()
    if browser is None:
        pytest.skip("needs Chromium: install it, for example with apt-get install chromium")
    with Page(browser, (1500, 1000)) as page:
        page.open(miniature_server.url)
        page.wait_for(READY)
        page.evaluate("new Promise((done) => setTimeout(done, 3000))")
        for _ in range(3):
            page.press("Escape")
        page.evaluate(REGISTER)
        yield page


@pytest.fixture(params=["canvas", "nodes2"])
def node(request, page, miniature_server):
    """The node, alone in the graph, in one of the page's two ways to draw; gives the way's name."""
    is_vue = request.param == "nodes2"
    if is_vue and version_key(page.evaluate(VERSION)) < NODES_2:
        pytest.skip("this page has no Nodes 2.0")
    page.messages.clear()
    page.evaluate(RENDERER % json.dumps(is_vue))
    page.evaluate(ADD)
    page.evaluate(PAUSE)
    page.wait_for(f"document.querySelector('{BUTTON}')")
    yield f"{request.param} {miniature_server.folder.version}"
    page.evaluate(f"document.querySelector('{DIALOG}')?.close()")
    page.evaluate(RENDERER % "false")


def test_the_button_adds_nothing_to_what_is_saved_or_sent(page, node):
    page.photograph(SCREENSHOTS / f"doctor's node {node}.png")
    saved = page.evaluate("window.app.graph.serialize().nodes[0].widgets_values")
    assert list(saved) == ["UniPortrait"]
    sent = json.loads(page.evaluate("window.app.graphToPrompt().then((found) => JSON.stringify(found.output))"))
    assert [each["inputs"] for each in sent.values()] == [{"method": "UniPortrait"}]


def test_the_report_opens_with_rows_and_a_file_is_converted_by_a_click(page, node, miniature_server):
    models = miniature_server.base / "models"
    path = put(models, f"uniportrait/{HOSTILE}", faceid())
    click(page, f"document.querySelector('{BUTTON}')")
    page.wait_for(f"{SHOWN}.includes('Missing') && {SHOWN}.includes('Found')")
    text = page.evaluate(SHOWN)
    assert HOSTILE in text
    assert "UniPortrait, SD1.5: missing: checkpoint, face backbone, image encoder" in text
    assert "Commercial use: unclear." in text
    assert page.evaluate("window.pwned === undefined")
    downloads = page.evaluate(f"[...document.querySelectorAll('{DIALOG} button[data-act=download]')].length")
    assert downloads >= 3
    page.photograph(SCREENSHOTS / f"doctor {node}.png")
    click(page, f"{ROWS}.find((row) => row.innerText.includes('onerror')).querySelector('button')")
    page.wait_for(f"{SHOWN}.includes('holds the same bits')")
    assert path.is_file()
    assert path.with_suffix(".safetensors").is_file()
    path.unlink()
    path.with_suffix(".safetensors").unlink()
    page.press("Escape")
    page.wait_for(f"!document.querySelector('{DIALOG}')")
    assert [message for message in page.messages if message[0] == "error" and "doctor" in message[1] + message[2]] == []


def test_a_download_that_is_refused_is_a_sentence_in_the_report(page, node):
    click(page, f"document.querySelector('{BUTTON}')")
    page.wait_for(f"{SHOWN}.includes('Missing')")
    click(page, f"document.querySelector('{DIALOG} button[data-act=download]')")
    page.wait_for(f"{SHOWN}.includes('HF_HUB_OFFLINE is set')")
    assert page.evaluate(f"{SHOWN}.includes('Missing')")  # the report stays beside the sentence


def test_it_is_used_with_the_keyboard_and_another_method_is_chosen(page, node):
    page.evaluate(f"document.querySelector('{BUTTON}').click()")
    page.wait_for(f"{SHOWN}.includes('Missing')")
    assert page.evaluate(f"document.querySelector('{DIALOG}').contains(document.activeElement)")
    assert page.evaluate(f"document.querySelector('{DIALOG} select').value") == "UniPortrait"
    choose = f"document.querySelector('{DIALOG} select')"
    page.evaluate(f"(() => {{ {choose}.value = 'Score Likeness'; {choose}.dispatchEvent(new Event('change')); }})()")
    page.wait_for(f"{SHOWN}.includes('Score Likeness: missing: face recogniser')")
    named = page.evaluate(f"[...document.querySelectorAll('{DIALOG} button')].every((each) => each.innerText.trim())")
    assert named
    page.press("Escape")
    page.wait_for(f"!document.querySelector('{DIALOG}')")
