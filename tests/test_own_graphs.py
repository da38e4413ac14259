"""Graphs that users wire by hand, other than any template, over HTTP."""

from __future__ import annotations

import copy
import inspect
import json
from pathlib import Path

import numpy as np
import pytest
from likeness.tools.comfyui.server import ComfyRunError
from PIL import Image

pytestmark = pytest.mark.comfy

FILE = Path(__file__).resolve().parents[1] / "workflows" / "api" / "4 Try without download - guidance.json"
SHOWING = ("LikenessAddPerson", "LikenessApplyUniPortrait", "LikenessApplyReferenceGuidance")
SHOWN = "99"  # id of the node that shows Show Guidance's numbers


def named(prompt, kind):
    """The ids of the nodes of a class, in the order of the file."""
    return [number for number, node in prompt.items() if node["class_type"] == kind]


@pytest.fixture
def prompt():
    """The guidance workflow as it is shipped, with one picture of few steps."""
    found = json.loads(FILE.read_text("utf-8"))
    for kind, name, value in (("KSampler", "steps", 6), ("EmptyLatentImage", "batch_size", 1)):
        found[named(found, kind)[0]]["inputs"][name] = value
    return found


@pytest.fixture
def numbers(miniature_server):
    """What *Show Guidance* says about a run, and the picture."""

    def run(prompt):
        entry = miniature_server.run(prompt)
        [told] = entry["outputs"][SHOWN]["text"]
        [file] = miniature_server.output_files(entry, named(prompt, "SaveImage")[0])
        return json.loads(told), np.asarray(Image.open(file))

    return run


PLACED = {
    "by": "words", "masks_first": True, "order": "left to right", "not_found": "everybody", "soft": False, "look_every": 4,
    "detector": "auto", "recogniser": "auto", "structure_scale": -1.0, "width": 0, "height": 0,
}  # fmt: skip


def with_people_prompt(prompt, text):
    """The graph with its people found at their words, which *Encode People Prompt* names, and Show Guidance's numbers shown."""
    wired = copy.deepcopy(prompt)
    [positive, _], [sampler] = named(wired, "CLIPTextEncode"), named(wired, "KSampler")
    [person], [guidance] = named(wired, "LikenessAddPerson"), named(wired, "LikenessApplyReferenceGuidance")
    clip = wired[positive]["inputs"]["clip"]
    wired["98"] = {
        "class_type": "LikenessEncodePeoplePrompt",
        "inputs": {"clip": clip, "people": [person, 0], "text": text},
    }
    wired[sampler]["inputs"]["positive"] = ["98", 0]
    wired[person]["inputs"]["name"] = "Ann"
    wired["97"] = {"class_type": "LikenessPlacePeople", "inputs": {**PLACED, "by": "words"}}
    wired[guidance]["inputs"]["placement"] = ["97", 0]
    wired[SHOWN] = {"class_type": "PreviewAny", "inputs": {"source": [named(wired, "LikenessShowGuidance")[0], 2]}}
    return wired


def test_guidance_finds_people_by_the_words_that_are_them(prompt, numbers):
    text = "[a man in a red shirt] @Ann"  # from the noun alone the miniature's base reads next to nothing
    told, guided = numbers(with_people_prompt(prompt, text))
    assert any(step["similarity"] is not None for step in told["people"]["Ann"])
    plain = with_people_prompt(prompt, text)
    plain[named(plain, "LikenessApplyReferenceGuidance")[0]]["inputs"]["strength"] = 0.001
    _, hardly = numbers(plain)
    assert (guided != hardly).any()


def test_without_named_words_one_sentence_names_the_node(prompt, miniature_server):
    wired = with_people_prompt(prompt, "a man")
    wired[named(wired, "KSampler")[0]]["inputs"]["positive"] = [named(wired, "CLIPTextEncode")[0], 0]
    with pytest.raises(ComfyRunError, match=r'stands for "Ann"; .* with Encode People Prompt'):
        miniature_server.run(wired)


def test_a_missing_link_is_refused_though_faces_could_be_shown(prompt, miniature_server):
    """Nothing runs where the picture cannot be made, so that nobody reads "Job completed"."""
    broken = copy.deepcopy(prompt)
    [sampler], [loader] = named(broken, "KSampler"), named(broken, "LikenessLoadMiniature")
    broken["97"] = {
        "class_type": "LikenessDetectFaces",
        "inputs": {"image": [loader, 9], "detector": "drawn faces (miniature)", "region": "", "order": "largest first"}
        | {"take": "all", "number": 1, "point_x": 0.5, "point_y": 0.5, "min_score": 0.5, "on_no_face": "error"},
    }
    broken[named(broken, "LikenessAddPerson")[0]]["inputs"]["photo"] = ["97", 0]
    del broken[sampler]["inputs"]["model"]
    with pytest.raises(ComfyRunError, match=rf"node {sampler} \(KSampler\): Required input is missing: model"):
        miniature_server.run(broken)


def test_what_nodes_show_comes_back_where_they_need_not_run_again(prompt, miniature_server):
    """As after a page was loaded anew: only what depends on the seed runs, and everybody's preview is there."""
    from comfy_api.latest import io

    if "has_intermediate_output" not in inspect.signature(io.Schema).parameters:
        pytest.skip("this ComfyUI gives nothing back of nodes that need not run again")
    shown = [named(prompt, kind)[0] for kind in SHOWING]
    miniature_server.run(prompt)
    prompt[named(prompt, "KSampler")[0]]["inputs"]["seed"] += 1
    entry = miniature_server.run(prompt)
    ran = next(rest for kind, rest in entry["status"]["messages"] if kind == "execution_cached")["nodes"]
    assert set(shown) <= set(ran)
    assert all(entry["outputs"][number]["images"] for number in shown)
