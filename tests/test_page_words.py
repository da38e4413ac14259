"""What a user reads on the page: labels in two languages, help pages that fit their panel, sockets told apart by colour, apps."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from likeness.tests.browser.opened import is_new, load, opened, opened_in, queue, rest, set_setting
from likeness.tools.workflows.apps.shelf import WORKFLOWS as APPS

pytestmark = [pytest.mark.comfy, pytest.mark.slow, pytest.mark.long]

ROOT = Path(__file__).resolve().parents[1]
SCREENSHOTS = ROOT / "output" / "screenshots"
WIDTH_OF_THE_PANEL = 300  # pixels
PHONE = (412, 915)
GRAPH = {
    "1": {"class_type": "LikenessLoadMiniature", "inputs": {}},
    "2": {"class_type": "LikenessAddPerson", "inputs": {"photo": ["1", 9]}},
}
LABELS = "JSON.stringify(window.app.graph.getNodeById(2).widgets.map((widget) => widget.label || widget.name))"
SLOTS = "JSON.stringify(window.app.graph.getNodeById(1).outputs.map((slot) => slot.localized_name || slot.name))"
ON_CANVAS = """
JSON.stringify([window.app.canvas.constructor.link_type_colors, window.app.canvas.default_connection_color_byType]
  .map((table) => Object.fromEntries(Object.entries(table).filter(([type]) => type.startsWith('LIKENESS_')))))
"""
IN_STYLE = """
JSON.stringify(Object.fromEntries(%s.map((type) =>
  [type, getComputedStyle(document.documentElement).getPropertyValue(`--color-datatype-${type}`).trim()])))
"""
ADD = """
(() => {
  const node = window.LiteGraph.createNode('%s');
  window.app.graph.clear();
  node.pos = [200, 200];
  window.app.graph.add(node);
  window.app.canvas.deselectAll?.();
  window.app.canvas.selectNode(node);
})()
"""
HELP = "document.querySelector('.node-help-content .markdown-content')"
TOO_WIDE = f"""
(() => {{
  const box = {HELP}.closest('.node-help-content').parentElement;
  box.style.width = box.style.maxWidth = '{WIDTH_OF_THE_PANEL}px';
  const right = {HELP}.getBoundingClientRect().right + 1;
  return [...{HELP}.querySelectorAll('h1, h2, p, li, table, td, th')]
    .filter((part) => part.getBoundingClientRect().right > right).map((part) => part.textContent.slice(0, 80));
}})()
"""


@pytest.fixture(scope="module")
def page(miniature_server):
    with opened(miniature_server.url) as page:
        yield page


@pytest.fixture(scope="module")
def types(miniature_server) -> list[str]:
    """Every type of ours that a socket has."""
    text = json.dumps([each for name, each in miniature_server.object_info().items() if name.startswith("Likeness")])
    return sorted(set(re.findall(r"LIKENESS_[A-Z_]+", text)))


def is_a_colour(text: str) -> bool:
    return re.fullmatch(r"#[0-9a-f]{6}", text) is not None


def test_every_type_has_its_colour_and_keeps_it_when_the_palette_changes(page, types, comfy_folder):
    load(page, GRAPH)
    for palette in ("light", "dark"):
        set_setting(page, "Comfy.ColorPalette", palette)
        rest(page, 1)
        page.photograph(SCREENSHOTS / comfy_folder.version / f"sockets - {palette}.png")
        links, sockets = json.loads(page.evaluate(ON_CANVAS))
        assert sorted(sockets) == types
        assert all(map(is_a_colour, sockets.values()))
        assert len(set(sockets.values())) == len(types)
        assert links == sockets == json.loads(page.evaluate(IN_STYLE % json.dumps(types)))


def test_nodes_2_shows_the_colours_too(page, types, comfy_folder):
    if not is_new(page):
        pytest.skip("this page has no Nodes 2.0")
    set_setting(page, "Comfy.VueNodes.Enabled", True)
    load(page, GRAPH)
    rest(page, 1)
    page.photograph(SCREENSHOTS / comfy_folder.version / "sockets - nodes2.png")
    shown = page.evaluate(
        "[...document.querySelectorAll('[data-node-id] *')].map((e) => e.getAttribute('style') ?? '').join()"
    )
    set_setting(page, "Comfy.VueNodes.Enabled", False)
    assert {type for type in types if f"--color-datatype-{type}," in shown} >= {"LIKENESS_PEOPLE", "LIKENESS_PRIOR"}


@pytest.mark.parametrize(
    ("language", "label", "output"), [("en", "if no face is found", "portrait 1"), ("zh", "未找到人脸时", "肖像 1")]
)
def test_labels_are_in_the_user_s_language(language, label, output, miniature_server, comfy_folder):
    with opened_in(miniature_server.url, language) as page:
        load(page, GRAPH)
        page.photograph(SCREENSHOTS / comfy_folder.version / f"labels - {language}.png")
        widgets, outputs = json.loads(page.evaluate(LABELS)), json.loads(page.evaluate(SLOTS))
        assert label in widgets
        assert output in outputs


@pytest.mark.parametrize("language", ["en", "zh"])
def test_help_pages_fit_the_panel(language, miniature_server, comfy_folder):
    nodes = sorted(name for name in miniature_server.object_info() if name.startswith("Likeness"))
    with opened_in(miniature_server.url, language) as page:
        if not is_new(page):
            pytest.skip("this page shows help in a wider panel")
        wide = {}
        for place, node in enumerate(nodes):
            page.evaluate(ADD % node)
            if place == 0:
                page.wait_for("document.querySelector('[data-testid=info-button]')")
                page.evaluate("document.querySelector('[data-testid=info-button]').click()")
            folder = ROOT / "web" / "docs"
            file = folder / f"{node}.md" if language == "en" else folder / node / f"{language}.md"
            title = file.read_text("utf-8").splitlines()[0].removeprefix("# ")
            page.wait_for(f"{HELP}?.querySelector('h1')?.textContent === {json.dumps(title)}", 20)
            if found := page.evaluate(TOO_WIDE):
                wide[node] = found
            if place % 13 == 0:
                page.photograph(SCREENSHOTS / comfy_folder.version / f"help - {language} - {node}.png")
        assert wide == {}


def test_an_app_shows_its_fields_and_its_picture_on_a_phone(miniature_server, comfy_folder):
    name = next(iter(APPS))
    with opened(miniature_server.url, PHONE) as page:
        if not is_new(page):
            pytest.skip("this page has no apps")
        page.evaluate(f"window.app.loadGraphData({(ROOT / 'workflows' / f'{name}.json').read_text('utf-8')})")
        page.wait_for("document.querySelector('[data-testid=app-mode-widget-item]')")
        for _ in range(3):
            page.press("Escape")
        rest(page, 2)
        page.evaluate("[...document.querySelectorAll('button')].find((b) => b.textContent.includes('Edit'))?.click()")
        rest(page, 1)
        page.photograph(SCREENSHOTS / comfy_folder.version / "app - phone.png")
        text = page.evaluate("document.body.innerText")
        assert "What the picture shows" in text
        assert "Seed" in text
        assert page.evaluate("document.documentElement.scrollWidth") <= PHONE[0]
        assert queue(page)["name"] == "execution_success"
        rest(page, 3)
        page.photograph(SCREENSHOTS / comfy_folder.version / "app - phone - after a run.png")
        assert page.evaluate("[...document.querySelectorAll('img')].some((image) => image.src.includes('likeness'))")
