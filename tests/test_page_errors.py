"""What goes wrong is read where it happened: in the node until the next run, and as a message of the page."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from likeness.tests.browser.opened import is_new, load, opened, queue, rest, set_setting

pytestmark = [pytest.mark.comfy, pytest.mark.slow, pytest.mark.long]

SCREENSHOTS = Path(__file__).resolve().parents[1] / "output" / "screenshots"
DRAWN = "drawn faces (miniature)"
MINIATURE = {"class_type": "LikenessLoadMiniature", "inputs": {}}
IN_NODES = "[...document.querySelectorAll('.likeness-error')].map((box) => box.textContent)"
IN_MESSAGES = "[...document.querySelectorAll('.p-toast-message')].map((box) => box.textContent)"
FOREIGN = """
window.comfyAPI.api.api.dispatchEvent(new CustomEvent('execution_error', {
  detail: { node_id: '2', exception_type: 'ValueError', exception_message: 'foreign' },
}))
"""
SIZES = "JSON.stringify(window.app.graph._nodes.map((node) => [node.id, Math.round(node.size[1])]))"


def person(**inputs) -> dict:
    """Add Person; the page keeps values of a graph before for what is not given."""
    given = {"photo": ["1", 9], "detector": DRAWN, "face": 1, "name": "", "region": "", **inputs}
    return {"class_type": "LikenessAddPerson", "inputs": given}


def shown(source: str, slot: int = 0) -> dict:
    return {"class_type": "PreviewAny", "inputs": {"source": [source, slot]}}


# The graph, and the node that stops it.
MISTAKES = {
    "a face that is not there": ({"1": MINIATURE, "2": person(face=64), "3": shown("2", 2)}, "2"),
    "no region": (
        {"1": MINIATURE, "2": person(detector="given region", region=""), "3": shown("2", 2)},
        "2",
    ),
    "no face": (
        {
            "1": {"class_type": "EmptyImage", "inputs": {"width": 64, "height": 64, "batch_size": 1, "color": 0}},
            "2": person(photo=["1", 0]),
            "3": shown("2", 2),
        },
        "2",
    ),
    "somebody who is not there": (
        {
            "1": MINIATURE,
            "2": person(),
            "3": {"class_type": "LikenessPickPerson", "inputs": {"people": ["2", 0], "number": 5}},
            "4": {
                "class_type": "LikenessMergePeople",
                "inputs": {"people": ["3", 0], "how": "same person", "name": ""},
            },
            "5": {"class_type": "PreviewImage", "inputs": {"images": ["4", 1]}},
        },
        "3",
    ),
    "a word too many": (
        {
            "1": MINIATURE,
            "2": person(name="<img src=x onerror=window.harmed=1>"),
            "3": {
                "class_type": "LikenessEncodePeoplePrompt",
                "inputs": {"clip": ["1", 1], "people": ["2", 0], "text": "a man @id3 <b>and</b> a cat"},
            },
            "4": shown("3", 1),
        },
        "3",
    ),
}


@pytest.fixture(scope="module")
def page(miniature_server):
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


@pytest.mark.parametrize("name", MISTAKES)
def test_the_sentence_is_in_the_node_and_the_page_says_it(name, renderer, page, comfy_folder):
    prompt, place = MISTAKES[name]
    load(page, prompt)
    end = queue(page)
    rest(page, 1)
    assert end["name"] == "execution_error"
    assert end["detail"]["node_id"] == place, end["detail"]["exception_message"]
    sentence = end["detail"]["exception_message"].strip().replace("on_no_face", "“if no face is found”")
    page.photograph(SCREENSHOTS / comfy_folder.version / f"error - {name} - {renderer}.png")
    assert page.evaluate(IN_NODES) == [sentence]
    messages = page.evaluate(IN_MESSAGES)
    assert any(sentence in text for text in messages) == is_new(page)
    assert page.evaluate("window.harmed === undefined && document.querySelector('.likeness-error b') === null")


def test_the_sentence_goes_with_the_next_run_and_the_node_is_as_high_as_before(renderer, page):
    prompt, place = MISTAKES["a face that is not there"]
    load(page, prompt)
    before = dict(json.loads(page.evaluate(SIZES)))
    queue(page)
    rest(page, 0.5)
    assert page.evaluate(IN_NODES) != []
    during = dict(json.loads(page.evaluate(SIZES)))
    assert [number for number in before if during[number] > before[number] + 20] == [type(next(iter(before)))(place)]
    values = json.loads(page.evaluate("JSON.stringify(window.app.graph.serialize())"))
    [node] = [each for each in values["nodes"] if str(each["id"]) == place]
    assert len(node["widgets_values"]) == len([each for each in node["inputs"] if "widget" in each])
    page.evaluate(f"window.app.graph.getNodeById({place}).widgets.find((w) => w.name === 'face').value = 1")
    end = queue(page)
    assert end["name"] == "execution_success"
    assert page.evaluate(IN_NODES) == []


def test_what_is_not_ours_is_left_to_the_page(page):
    load(page, MISTAKES["no face"][0])
    page.evaluate(FOREIGN)
    rest(page, 0.5)
    assert page.evaluate(IN_NODES) == []
