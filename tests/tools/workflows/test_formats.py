"""Both formats of a graph."""

from __future__ import annotations

import pytest
from likeness.tests.tools.workflows.definitions import definitions
from likeness.tests.tools.workflows.graphs import built
from likeness.tools.weights.known_files import KNOWN_FILES, SD15
from likeness.tools.workflows.formats import to_api, to_ui
from likeness.tools.workflows.graph import Graph
from likeness.tools.workflows.layout import Group
from likeness.tools.workflows.write import WORKFLOWS


def small_graph() -> Graph:
    graph = Graph("small", definitions())
    loader = graph.add("CheckpointLoaderSimple", ckpt_name=SD15.name, files=(SD15,))
    texts = [graph.add("CLIPTextEncode", text=text, clip=loader["CLIP"]) for text in ("yes", "no")]
    latent = graph.add("EmptyLatentImage", width=64, height=64)
    links = {"model": loader["MODEL"], "latent_image": latent["LATENT"]}
    links |= {"positive": texts[0]["CONDITIONING"], "negative": texts[1]["CONDITIONING"]}
    sampler = graph.add("KSampler", seed=3, steps=4, **links)
    graph.place([[Group("all", [[loader, *texts, latent, sampler, graph.note("Read me", "text")]])]])
    return graph


def test_a_prompt_holds_values_and_links_but_no_notes():
    prompt = to_api(small_graph())
    assert list(prompt) == ["1", "2", "3", "4", "5"]
    assert prompt["5"]["inputs"]["negative"] == ["3", 0]
    assert prompt["5"]["inputs"]["seed"] == 3


def test_the_page_gets_the_widget_that_only_it_has_behind_a_seed():
    sampler = to_ui(small_graph())["nodes"][4]
    assert sampler["widgets_values"] == [3, "randomize", 4, 1.0, "euler", "simple", 1.0]


def test_links_are_known_at_both_of_their_ends():
    ui = to_ui(small_graph())
    nodes = {node["id"]: node for node in ui["nodes"]}
    for number, start, slot, end, place, kind in ui["links"]:
        assert number in nodes[start]["outputs"][slot]["links"]
        assert nodes[end]["inputs"][place]["link"] == number
        assert nodes[start]["outputs"][slot]["type"] == nodes[end]["inputs"][place]["type"] == kind
    assert len(ui["links"]) == ui["last_link_id"] == 6


def test_a_node_without_a_place_is_refused_by_name():
    graph = small_graph()
    graph.note("Forgotten", "text")
    with pytest.raises(ValueError, match=r"small: nodes in no group: \['Forgotten'\]"):
        to_ui(graph)


@pytest.mark.parametrize("name", WORKFLOWS)
def test_loaders_embed_the_files_that_comfyui_can_fetch_and_no_others(name):
    known = {(file.name, file.url, file.folder) for file in KNOWN_FILES if file.url}
    for node in to_ui(built(name))["nodes"]:
        models = node["properties"].get("models")
        assert models is None or {(each["name"], each["url"], each["directory"]) for each in models} <= known
        is_loader = "Load" in node["type"] and node["type"] not in ("LoadImage", "LoraLoader", "LikenessLoadMiniature")
        linked = {entry["name"] for entry in node["inputs"] if entry["link"] is not None}
        is_loader |= node["type"] == "LikenessPredictImageEmbedding" and "loaded_prior" not in linked
        assert (models is not None) == (is_loader and node["type"] != "LikenessLoadOmniPortrait"), node["type"]
