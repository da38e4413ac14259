"""A face is chosen by a click or a key, before and after a run, and who was forgotten is seen; in a real browser."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from likeness.models.miniature.files import PORTRAITS
from likeness.models.records.legend import rgb_of
from likeness.tests.browser.hands import click, drag, key
from likeness.tests.browser.opened import is_new, load, opened, queue, rest, set_setting
from PIL import Image

pytestmark = [pytest.mark.comfy, pytest.mark.slow, pytest.mark.long]

SCREENSHOTS = Path(__file__).resolve().parents[1] / "output" / "screenshots"
DRAWN = "drawn faces (miniature)"
GROUP, EMPTY, HOSTILE = "group.png", "empty.png", "<img src=x onerror=window.harmed=1>.png"
NODE = "window.app.graph.getNodeById(%s)"
VIEW = NODE + ".widgets.find((w) => w.name === '%s').element"
BOXES = f"[...{VIEW}.querySelectorAll('.likeness-box')]"
NUMBERS = f"{BOXES}.map((box) => [box.textContent, box.getAttribute('aria-pressed')])"
LEFT_EDGES = f"{BOXES}.map((box) => Number.parseFloat(box.style.left))"
SAID = f"{VIEW}.querySelector('.likeness-said').textContent"
CHIPS = f"[...{VIEW}.querySelectorAll('.likeness-person, .likeness-amber > span')].map((chip) => chip.textContent)"
VALUE = NODE + ".widgets.find((w) => w.name === '%s').value"
SET = "(() => { const w = " + NODE + ".widgets.find((w) => w.name === '%s'); w.value = %s; w.callback?.(w.value) })()"
PROMPT = "window.app.graphToPrompt().then((made) => made.output[%s].inputs)"
UNDO = "window.app.extensionManager.command.execute('Comfy.Undo')"
LOOK = """
(() => {
  const n = window.app.graph.getNodeById(%s), c = window.app.canvas;
  c.ds.scale = 1; c.ds.offset[0] = 420 - n.pos[0]; c.ds.offset[1] = 120 - n.pos[1]; c.setDirty(true, true);
})()
"""
RELOAD = "window.app.loadGraphData(window.app.graph.serialize())"
SHIFT = """
window.app.graph._nodes.forEach((n, place) => { n.pos = [420 * (place %% 3) + 40, 640 * Math.floor(place / 3) + 80] }) ?? null
"""


@pytest.fixture(scope="module")
def page(miniature_server):
    folder = miniature_server.base / "input"
    portraits = [Image.open(file).convert("RGB") for file in PORTRAITS[:2]]
    width, height = portraits[0].size
    group = Image.new("RGB", (2 * width, height))
    for place, portrait in enumerate(portraits):
        group.paste(portrait, (place * width, 0))
    for name in (GROUP, HOSTILE):
        group.save(folder / name)
    Image.new("RGB", (400, 200), (70, 90, 110)).save(folder / EMPTY)
    with opened(miniature_server.url) as page:
        yield page


@pytest.fixture(params=["canvas", "nodes2"])
def renderer(request, page):
    """One of the page's two ways to draw nodes."""
    is_vue = request.param == "nodes2"
    if is_vue and not is_new(page):
        pytest.skip("this page has no Nodes 2.0")
    set_setting(page, "Comfy.VueNodes.Enabled", is_vue)
    yield request.param
    set_setting(page, "Comfy.VueNodes.Enabled", False)


@pytest.fixture
def show(page, renderer, comfy_folder, request):
    """A builder: open a graph and look at one of its nodes, once its boxes are there."""

    def build(prompt, node, boxes=2):
        load(page, prompt)
        page.evaluate(LOOK % node)
        if boxes is not None:
            page.wait_for(f"{BOXES % (node, 'likeness_faces')}.length === {boxes}", 30)
        rest(page, 0.5)

    yield build
    page.photograph(SCREENSHOTS / comfy_folder.version / f"{request.node.name}.png")


def photo(name):
    return {"class_type": "LoadImage", "inputs": {"image": name}}


def person(source, **inputs):
    given = {
        "photo": source,
        "detector": DRAWN,
        "face": 1,
        "name": "",
        "region": "",
        "order": "left to right",
        **inputs,
    }
    return {"class_type": "LikenessAddPerson", "inputs": given}


def detect(source, **inputs):
    given = {
        "image": source,
        "detector": DRAWN,
        "order": "left to right",
        "take": "one per image",
        "number": 1,
        **inputs,
    }
    return {"class_type": "LikenessDetectFaces", "inputs": given}


def shown(source, slot):
    return {"class_type": "PreviewImage", "inputs": {"images": [source, slot]}}


def numbers(page, node):
    return page.evaluate(NUMBERS % (node, "likeness_faces"))


def box(number, node="2"):
    return f"{VIEW % (node, 'likeness_faces')}.querySelector('[data-number=\"{number}\"]')"


def ours(page):
    """Errors that our scripts made."""
    return [each for each in page.messages if each[0] == "error" and "ComfyUI-Likeness" in each[2]]


ALONE = {"1": photo(GROUP), "2": person(["1", 0]), "3": shown("2", 1)}


def test_a_face_is_chosen_by_mouse_before_any_run(show, page):
    show(ALONE, "2")
    before = page.evaluate(f"{NODE % 2}.serialize().widgets_values.length")
    assert numbers(page, "2") == [["1", "true"], ["2", "false"]]
    click(page, box(2))
    assert numbers(page, "2") == [["1", "false"], ["2", "true"]]
    assert page.evaluate(PROMPT % "'2'")["face"] == 2
    assert page.evaluate(f"{NODE % 2}.serialize().widgets_values.length") == before
    assert "likeness_faces" not in page.evaluate(PROMPT % "'2'")
    page.evaluate(UNDO)
    rest(page, 1.5)
    assert page.evaluate(VALUE % (2, "face")) == 1  # one step
    assert numbers(page, "2") == [["1", "true"], ["2", "false"]]
    assert ours(page) == []


def test_a_face_is_chosen_by_keyboard(show, page):
    show(ALONE, "2")
    page.evaluate(f"{box(1)}.focus()")
    key(page, "Tab")
    assert page.evaluate("document.activeElement.dataset.number") == "2"
    key(page, " ")
    assert page.evaluate(VALUE % (2, "face")) == 2
    assert page.evaluate("document.activeElement.dataset.number") == "2"
    page.evaluate(f"{box(1)}.focus()")
    key(page, "Enter")
    assert page.evaluate(VALUE % (2, "face")) == 1
    assert ours(page) == []


def test_what_the_widgets_say_is_shown_whoever_wrote_it(show, page):
    show(ALONE, "2")
    edges = page.evaluate(LEFT_EDGES % (2, "likeness_faces"))
    page.evaluate(SET % (2, "face", "2"))
    rest(page, 0.6)
    assert numbers(page, "2") == [["1", "false"], ["2", "true"]]
    page.evaluate(SET % (2, "order", "'right to left'"))
    rest(page, 0.6)
    assert page.evaluate(LEFT_EDGES % (2, "likeness_faces")) == edges[::-1]
    page.evaluate(SET % (2, "face", "7"))
    rest(page, 0.6)
    assert page.evaluate(SAID % (2, "likeness_faces")).startswith("Face 7 is asked for, and there are 2 faces")
    page.evaluate(SET % (2, "face", "2"))
    page.evaluate(RELOAD)
    rest(page, 2)
    assert numbers(page, "2") == [["1", "false"], ["2", "true"]]
    assert page.evaluate("document.querySelectorAll('.likeness-faces').length") == 1
    assert ours(page) == []


def test_a_run_takes_the_face_that_was_clicked_and_shows_the_same(show, page, renderer):
    prompt = {"1": photo(GROUP), "2": detect(["1", 0]), "3": shown("2", 2)}
    show(prompt, "2")
    click(page, box(2))
    assert queue(page, 60)["name"] == "execution_success"
    rest(page, 1.5)
    assert numbers(page, "2") == [["1", "false"], ["2", "true"]]
    crop = page.evaluate("JSON.stringify(Object.values(window.app.nodeOutputs).map((o) => o.likeness_faces))")
    [[record]] = [each for each in json.loads(crop) if each]
    left, right = sorted(record["faces"], key=lambda face: face["box"][0])
    assert (left["taken"], right["taken"]) == (False, True)
    assert ours(page) == []


def test_portraits_without_a_file_are_shown_after_a_run(show, page, renderer):
    prompt = {
        "11": {"class_type": "LikenessLoadMiniature", "inputs": {}},
        "12": person(["11", 9]),
        "13": shown("12", 1),
    }
    show(prompt, "12", boxes=None)
    assert page.evaluate(f"{VIEW % (12, 'likeness_faces')}.hidden")
    assert queue(page, 60)["name"] == "execution_success"
    rest(page, 1.5)
    assert numbers(page, "12") == [["1", "true"]]
    assert page.evaluate(f"{VIEW % (12, 'likeness_faces')}.querySelector('img').naturalWidth") > 100
    assert ours(page) == []


def test_where_nobody_is_found_the_face_is_drawn(show, page, renderer):
    show({"1": photo(EMPTY), "2": person(["1", 0]), "3": shown("2", 1)}, "2", boxes=0)
    page.wait_for(f"{SAID % (2, 'likeness_faces')}.startsWith('No face was found.')", 20)
    drag(page, f"{VIEW % (2, 'likeness_faces')}.querySelector('.likeness-photo')", (0.25, 0.2), (0.5, 0.7))
    rest(page, 1)
    assert page.evaluate(VALUE % (2, "detector")) == "given region"
    x0, y0, x1, y1 = map(int, page.evaluate(VALUE % (2, "region")).split())
    assert max(abs(x0 - 100), abs(y0 - 40), abs(x1 - 200), abs(y1 - 140)) <= 4
    assert numbers(page, "2") == [["1", "true"]]
    page.evaluate(UNDO)
    rest(page, 1.5)
    assert page.evaluate(VALUE % (2, "detector")) == DRAWN  # one step
    assert page.evaluate(VALUE % (2, "region")) == ""
    assert ours(page) == []


def test_several_photos_are_a_strip_and_names_are_only_names(show, page, renderer):
    batch = {"class_type": "ImageBatch", "inputs": {"image1": ["1", 0], "image2": ["4", 0]}}
    prompt = {"1": photo(HOSTILE), "4": photo(EMPTY), "5": batch, "2": person(["5", 0]), "3": shown("2", 1)}
    show(prompt, "2")
    small = f"[...{VIEW % (2, 'likeness_faces')}.querySelectorAll('.likeness-small')]"
    assert page.evaluate(f"{small}.map((each) => each.getAttribute('aria-label'))") == ["photo 1 of 2", "photo 2 of 2"]
    click(page, f"{small}[1]")
    page.wait_for(f"{SAID % (2, 'likeness_faces')}.startsWith('No face was found.')", 20)
    page.evaluate(SET % (2, "name", json.dumps("<img src=x onerror=window.harmed=1>")))
    rest(page, 1)
    assert page.evaluate("window.harmed ?? null") is None
    assert ours(page) == []


def test_who_is_not_in_the_chain_is_amber_and_connected_by_a_button(show, page, renderer):
    hostile = "<img src=x onerror=window.harmed=1>"
    prompt = {
        "1": {"class_type": "LikenessLoadMiniature", "inputs": {}},
        "2": person(["1", 9], name="Ann"),
        "3": person(["1", 10], name=hostile),
        "4": {
            "class_type": "LikenessApplyUniPortrait",
            "inputs": {"model": ["1", 0], "uniportrait": ["1", 3], "people": ["2", 0]},
        },
        "5": shown("4", 2),
    }
    show(prompt, "4", boxes=None)
    rest(page, 0.6)
    assert page.evaluate(CHIPS % (4, "likeness_people")) == ["Ann", f"{hostile} is not in the chain"]
    click(page, f"{VIEW % (4, 'likeness_people')}.querySelector('.likeness-amber button')")
    rest(page, 0.6)
    page.evaluate(UNDO)
    rest(page, 1.5)
    assert (
        page.evaluate(CHIPS % (4, "likeness_people"))[1] == f"{hostile} is not in the chain"
    )  # both links are one step
    click(page, f"{VIEW % (4, 'likeness_people')}.querySelector('.likeness-amber button')")
    rest(page, 0.6)
    assert page.evaluate(CHIPS % (4, "likeness_people")) == ["Ann", hostile]
    assert page.evaluate(PROMPT % "'4'")["people"] == ["3", 0]
    assert page.evaluate(PROMPT % "'3'")["people"] == ["2", 0]
    assert queue(page, 60)["name"] == "execution_success"
    rest(page, 1)
    chips = page.evaluate(CHIPS % (4, "likeness_people"))
    assert [chip.rsplit(": ", 1)[0] for chip in chips] == ["Ann", hostile]
    assert all(": " in chip for chip in chips)
    assert page.evaluate("window.harmed ?? null") is None
    assert page.evaluate("document.querySelectorAll('.likeness-view .likeness-row img').length") == 0
    assert ours(page) == []


def test_colours_are_those_of_the_maps(page):
    made = page.evaluate(
        "import('/extensions/ComfyUI-Likeness/js/people.js').then((m) => [...Array(12).keys()].map(m.colourOf))"
    )
    assert made == ["#{:02x}{:02x}{:02x}".format(*rgb_of(place)) for place in range(12)]
