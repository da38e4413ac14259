"""The workflows that open as apps."""

from __future__ import annotations

import pytest
from likeness.tests.tools.workflows.graphs import built
from likeness.tools.workflows.apps.shelf import SUFFIX, WORKFLOWS
from likeness.tools.workflows.formats import to_api, to_ui


@pytest.mark.parametrize("name", WORKFLOWS)
def test_an_app_is_the_workflow_of_its_name(name):
    assert name.endswith(SUFFIX)
    app, graph = (to_api(built(each)) for each in (name, name.removesuffix(SUFFIX)))
    for prompt in (app, graph):
        for node in prompt.values():
            node["inputs"].pop("filename_prefix", None)
    assert app == graph


@pytest.mark.parametrize("name", WORKFLOWS)
def test_it_shows_every_photo_the_prompt_and_the_seed_under_names_for_people(name):
    graph = built(name)
    fields = [(field.node.kind, field.widget, field.label) for field in graph.app.fields]
    photos = [node.title for node in graph.nodes if node.kind == "LoadImage"]
    assert fields == [
        *(("LoadImage", "image", title) for title in photos),
        ("CLIPTextEncode", "text", "What the picture shows"),
        ("KSampler", "seed", "Seed"),
    ]
    assert graph.app.results[0].kind == "SaveImage"


@pytest.mark.parametrize("name", WORKFLOWS)
def test_the_page_finds_its_widgets_and_their_labels(name):
    ui = to_ui(built(name))
    nodes = {node["id"]: node for node in ui["nodes"]}
    for number, widget in ui["extra"]["linearData"]["inputs"]:
        [entry] = [each for each in nodes[number]["inputs"] if each.get("widget", {}).get("name") == widget]
        assert entry["label"]
    assert set(ui["extra"]["linearData"]["outputs"]) <= set(nodes)
    assert ui["extra"]["linearMode"] is True


def test_other_workflows_open_as_graphs():
    assert "linearMode" not in to_ui(built("UniPortrait - two people"))["extra"]
