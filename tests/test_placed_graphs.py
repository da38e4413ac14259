"""Two people placed in every way, over HTTP on the miniature."""

from __future__ import annotations

import copy
import json
from pathlib import Path

import numpy as np
import pytest
from likeness.tests.test_own_graphs import PLACED, named
from likeness.tools.comfyui.server import ComfyRunError
from PIL import Image

pytestmark = pytest.mark.comfy

FILE = Path(__file__).resolve().parents[1] / "workflows" / "api" / "1 Try without download - two people.json"
PROMPT = "a [man in a red shirt] @id1 and a [woman in a blue shirt] @id2 in front of a plain wall"
SHOWN = "99"  # id of the node that shows the shares


@pytest.fixture
def graph():
    """The two-person workflow with few steps and Place People in it, by whatever is asked for."""
    shipped = json.loads(FILE.read_text("utf-8"))
    for kind, name, value in (("KSampler", "steps", 6), ("EmptyLatentImage", "batch_size", 2)):
        shipped[named(shipped, kind)[0]]["inputs"][name] = value

    def build(**placed):
        wired = copy.deepcopy(shipped)
        [loader], [apply], [sampler] = (
            named(wired, kind) for kind in ("LikenessLoadMiniature", "LikenessApplyUniPortrait", "KSampler")
        )
        clip, people = wired[named(wired, "CLIPTextEncode")[0]]["inputs"]["clip"], wired[apply]["inputs"]["people"]
        sockets = {"vae": [loader, 2], "uniportrait": [loader, 3], "people": people}
        wired["97"] = {
            "class_type": "LikenessPlacePeople",
            "inputs": {**PLACED, "detector": "drawn faces (miniature)", **sockets, **placed},
        }
        wired["98"] = {
            "class_type": "LikenessEncodePeoplePrompt",
            "inputs": {"clip": clip, "people": people, "text": PROMPT},
        }
        wired[apply]["inputs"]["placement"] = ["97", 0]
        wired[sampler]["inputs"]["positive"] = ["98", 0]
        wired[SHOWN] = {
            "class_type": "PreviewAny",
            "inputs": {"source": [named(wired, "LikenessShowRoutingMap")[0], 2]},
        }
        return wired

    return build


@pytest.fixture
def draw(miniature_server):
    """Everybody's shares of each picture, and the pictures."""

    def run(prompt):
        entry = miniature_server.run(prompt)
        [told] = entry["outputs"][SHOWN]["text"]
        files = miniature_server.output_files(entry, named(prompt, "SaveImage")[0])
        return json.loads(told), np.stack([np.asarray(Image.open(file)) for file in files])

    return run


@pytest.mark.parametrize(
    ("by", "given"),
    [
        ("words", {}),
        ("words", {"soft": True, "not_found": "nearest"}),
        ("faces", {}),
        ("faces", {"order": "most alike", "not_found": "nobody"}),
        ("router", {}),
        ("router", {"soft": True}),
        ("router", {"route_every": 3}),
    ],
)
def test_people_get_places_of_their_own_whoever_finds_them(graph, draw, by, given):
    shares, pictures = draw(graph(by=by, look_every=1, **given))
    assert len(shares) == len(pictures) == 2
    for each in shares:
        assert set(each) == {"person 1", "person 2"}
        assert 0 < sum(each.values()) <= 1.001
    assert np.ptp(pictures) > 100


def test_the_same_graph_gives_the_same_three_times_and_other_ways_other_pictures(graph, draw):
    found = {}
    for by in ("words", "faces"):
        runs = [draw(graph(by=by, look_every=look))[1] for look in (1, 2, 1)]  # the node in between is another one
        assert (runs[0] == runs[2]).all()
        found[by] = runs[0]
    assert (found["words"] != found["faces"]).any()


def test_masks_of_several_pictures_place_each_of_them(graph, draw):
    wired = graph(by="masks")

    def node(kind, **inputs):
        return {"class_type": kind, "inputs": inputs}

    wired["90"] = node("SolidMask", value=1.0, width=64, height=128)
    wired["91"] = node("SolidMask", value=0.0, width=128, height=128)
    wired["92"] = node("MaskComposite", destination=["91", 0], source=["90", 0], x=0, y=0, operation="add")
    wired["93"] = node("InvertMask", mask=["92", 0])
    for number, mask in (("94", "92"), ("95", "93")):
        wired[number] = node("MaskToImage", mask=[mask, 0])
    wired["96"] = node("ImageBatch", image1=["94", 0], image2=["95", 0])
    wired["89"] = node("ImageToMask", image=["96", 0], channel="red")
    wired["97"]["inputs"]["masks"] = ["89", 0]
    shares, _ = draw(wired)
    assert shares == [{"person 1": 0.5, "person 2": 0.5}] * 2


def test_the_views_show_steps_layers_and_words(graph, miniature_server):
    for view in ("steps", "layers", "words"):
        wired = graph(by="words")
        [shown] = named(wired, "LikenessShowRoutingMap")
        wired[shown]["inputs"]["view"] = view
        entry = miniature_server.run(wired)
        assert len(entry["outputs"][shown]["images"]) == 2


def test_a_prompt_that_names_nobody_and_boxes_of_no_picture_are_one_sentence(graph, miniature_server):
    wired = graph(by="words")
    wired[named(wired, "KSampler")[0]]["inputs"]["positive"] = [named(wired, "CLIPTextEncode")[0], 0]
    with pytest.raises(ComfyRunError, match=r"no prompt names .* encode the positive prompt with Encode People Prompt"):
        miniature_server.run(wired)
    wired = graph(by="faces")
    del wired["97"]["inputs"]["vae"]
    with pytest.raises(ComfyRunError, match="connect vae to Place People"):
        miniature_server.run(wired)
