"""The shipped blueprints: written from this ComfyUI's nodes, offered by newer ones, and run over HTTP."""

from __future__ import annotations

import json
import urllib.request
from pathlib import Path

import numpy as np
import pytest
from likeness.tests.browser.opened import opened, rest
from likeness.tests.tools.workflows.blueprints.expanded import expand
from likeness.tools.comfyui.folders import version_key
from likeness.tools.workflows.blueprints.shelf import BLUEPRINTS
from likeness.tools.workflows.blueprints.write import FOLDER, write_text
from PIL import Image

pytestmark = pytest.mark.comfy

SCREENSHOTS = Path(__file__).resolve().parents[1] / "output" / "screenshots"
OFFERED_FROM = (0, 4)  # the first ComfyUI that asks packs for blueprints is one of these
DRAWN = "drawn faces (miniature)"
SAMPLING = {"steps": 4, "cfg": 2.0, "sampler_name": "euler", "scheduler": "simple", "denoise": 0.5, "seed": 3}


@pytest.fixture(scope="session")
def definitions(miniature_server) -> dict:
    return miniature_server.object_info()


def read(name: str) -> dict:
    return json.loads((FOLDER / f"{name}.json").read_text("utf-8"))


def drawn_people() -> dict:
    """The miniature, and a person of its first portrait."""
    return {
        "m": {"class_type": "LikenessLoadMiniature", "inputs": {}},
        "p": {"class_type": "LikenessAddPerson", "inputs": {"photo": ["m", 9], "detector": DRAWN, **PERSON}},
    }


PERSON = {
    "name": "",
    "strength": 1.0,
    "face": 1,
    "order": "largest first",
    "region": "",
    "start_percent": 0.0,
    "end_percent": 1.0,
    "on_no_face": "error",
}


TO_PROMPT = "window.app.graphToPrompt().then((r) => JSON.stringify(r.output))"
OUTSIDE = ["outside", 0]


def set_inputs(prompt: dict, kind: str, **values) -> None:
    """Set widgets of the only node of a class."""
    [node] = [each for each in prompt.values() if each["class_type"] == kind]
    assert set(values) <= set(node["inputs"])
    node["inputs"].update(values)


@pytest.mark.parametrize("name", BLUEPRINTS)
def test_files_are_what_the_descriptions_give_in_this_comfyui(name, definitions):
    text = (FOLDER / f"{name}.json").read_text("utf-8")
    assert text == write_text(name, definitions), "run likeness.tools.workflows.blueprints.write"


@pytest.mark.parametrize("name", BLUEPRINTS)
def test_every_link_inside_fits_both_of_its_sockets(name, definitions):
    blueprint = read(name)
    [subgraph] = blueprint["definitions"]["subgraphs"]
    given = {entry["name"]: [entry["type"], 0] for entry in subgraph["inputs"]}
    prompt, outputs = expand(blueprint, definitions, given)
    for node in prompt.values():
        sections = definitions[node["class_type"]]["input"].values()
        wanted = {key: entry[0] for section in sections for key, entry in section.items()}
        for key, value in node["inputs"].items():
            if isinstance(value, list):
                source = prompt.get(value[0])
                kind = definitions[source["class_type"]]["output"][value[1]] if source else value[0]
                assert kind in wanted[key].split(","), (node["class_type"], key)
    for entry in subgraph["outputs"]:
        number, slot = outputs[entry["name"]]
        assert definitions[prompt[number]["class_type"]]["output"][slot] == entry["type"]


def test_newer_comfyui_offers_them(miniature_server, comfy_folder):
    if version_key(comfy_folder.version) < OFFERED_FROM:
        pytest.skip("this ComfyUI does not ask packs for blueprints")
    with urllib.request.urlopen(f"{miniature_server.url}/global_subgraphs", timeout=60) as response:
        offered = json.load(response)
    ours = {each["name"]: number for number, each in offered.items() if each["source"] == "custom_node"}
    assert set(ours) == set(BLUEPRINTS)
    for name, number in ours.items():
        with urllib.request.urlopen(f"{miniature_server.url}/global_subgraphs/{number}", timeout=60) as response:
            assert json.loads(json.load(response)["data"]) == read(name)


def test_the_best_of_a_batch_is_the_person_themselves(miniature_server, definitions):
    prompt = drawn_people()
    prompt["both"] = {"class_type": "ImageBatch", "inputs": {"image1": ["m", 10], "image2": ["m", 9]}}
    inside, outputs = expand(read("Best of batch"), definitions, {"people": ["p", 0], "image": ["both", 0]})
    set_inputs(inside, "LikenessScoreLikeness", detector=DRAWN)
    set_inputs(inside, "LikenessKeepBest", count=1)
    prompt |= inside
    prompt["save"] = {"class_type": "SaveImage", "inputs": {"images": outputs["image"], "filename_prefix": "best"}}
    prompt["person"] = {"class_type": "SaveImage", "inputs": {"images": ["m", 9], "filename_prefix": "person"}}
    entry = miniature_server.run(prompt)
    best, person = (
        [np.asarray(Image.open(file)) for file in miniature_server.output_files(entry, node)]
        for node in ("save", "person")
    )
    assert len(best) == 1
    assert np.array_equal(best[0], person[0])


def test_a_face_is_painted_again_and_nothing_else(miniature_server, definitions):
    prompt = drawn_people()
    for node, text in (("yes", "a man in a red shirt"), ("no", "")):
        prompt[node] = {"class_type": "CLIPTextEncode", "inputs": {"clip": ["m", 1], "text": text}}
    given = {"image": ["m", 9], "model": ["m", 0], "positive": ["yes", 0], "negative": ["no", 0], "vae": ["m", 2]}
    inside, outputs = expand(read("Face detail"), definitions, given)
    set_inputs(inside, "LikenessDetectFaces", detector=DRAWN)
    set_inputs(inside, "LikenessCropFace", size=128, margin=0.1)
    set_inputs(inside, "KSampler", **SAMPLING)
    prompt |= inside
    prompt["save"] = {"class_type": "SaveImage", "inputs": {"images": outputs["image"], "filename_prefix": "detail"}}
    prompt["before"] = {"class_type": "SaveImage", "inputs": {"images": ["m", 9], "filename_prefix": "before"}}
    entry = miniature_server.run(prompt)
    [after], [before] = (
        [np.asarray(Image.open(file)).astype(int) for file in miniature_server.output_files(entry, node)]
        for node in ("save", "before")
    )
    changed = np.abs(after - before).max(axis=-1) > 2
    assert 0.01 < changed.mean() < 0.95
    assert not changed[:2].any()


@pytest.mark.slow
@pytest.mark.long
def test_the_page_opens_a_blueprint_as_its_own_nodes(miniature_server, definitions, comfy_folder):
    if version_key(comfy_folder.version) < OFFERED_FROM:
        pytest.skip("this page has no blueprints")
    with opened(miniature_server.url) as page:
        assert [text for _, text, _ in page.messages if "subgraph blueprint" in text] == []
        for name in BLUEPRINTS:
            blueprint = read(name)
            page.evaluate(f"window.app.loadGraphData({json.dumps(blueprint)})")
            page.wait_for("window.app.graph._nodes.length === 1")
            page.press("Escape")
            rest(page, 1)
            page.photograph(SCREENSHOTS / comfy_folder.version / f"blueprint - {name}.png")
            shown = json.loads(page.evaluate(TO_PROMPT))
            [node], [subgraph] = blueprint["nodes"], blueprint["definitions"]["subgraphs"]
            given = {entry["name"]: OUTSIDE for entry in subgraph["inputs"]}
            expected, _ = expand(blueprint, definitions, given, str(node["id"]))
            for each in expected.values():
                each["inputs"] = {key: value for key, value in each["inputs"].items() if value != OUTSIDE}
            for each in shown.values():
                each.pop("_meta", None)
            assert shown == expected
            widgets = page.evaluate("window.app.graph._nodes[0].widgets.length")
            assert widgets == len(node["properties"]["proxyWidgets"])
