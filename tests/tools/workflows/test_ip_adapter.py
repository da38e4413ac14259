"""IP-Adapter's workflows."""

from __future__ import annotations

import pytest
from likeness.tests.tools.workflows.graphs import built, chain, node_of, nodes_of, source
from likeness.tools.weights.known_files import FACEID_PLUS_SD15, FACEID_PLUS_SDXL, IP_ADAPTER_PLUS, RECOGNISER
from likeness.tools.workflows.ip_adapter import BESIDE_WORDS, WORKFLOWS

STYLE = "IP-Adapter - two people in a style"


def faces(graph):
    """The Apply node that brings the faces."""
    [found] = [node for node in nodes_of(graph, "LikenessApplyIPAdapter") if "people" in node.sources]
    return found


@pytest.mark.parametrize("name", WORKFLOWS)
def test_settings_are_those_of_the_published_demo(name):
    sampler = node_of(built(name), "KSampler")
    assert (sampler.values["steps"], sampler.values["sampler_name"]) == (30, "ddim")
    assert sampler.values["cfg"] == (5.0 if "SDXL" in name else 7.5)


@pytest.mark.parametrize("name", WORKFLOWS)
def test_faces_come_from_the_file_of_the_checkpoint_s_kind(name):
    loader = source(faces(built(name)), "ip_adapter")
    file = FACEID_PLUS_SDXL if "SDXL" in name else FACEID_PLUS_SD15
    assert loader.values["ip_adapter"] == file.name
    assert {file, RECOGNISER} < set(loader.files)


@pytest.mark.parametrize("name", WORKFLOWS)
def test_everybody_is_applied_and_several_are_placed_by_the_router(name):
    graph = built(name)
    applied, people = faces(graph), nodes_of(graph, "LikenessAddPerson")
    assert chain(source(applied, "people")) == people
    if len(people) == 1:
        assert "placement" not in applied.sources
    else:
        placed = source(applied, "placement")
        assert source(placed, "uniportrait").kind == "LikenessLoadUniPortrait"
        assert placed.values["by"] == "router"


def test_a_style_is_followed_on_top_of_the_faces():
    graph = built(STYLE)
    [style] = [node for node in nodes_of(graph, "LikenessApplyIPAdapter") if "picture" in node.sources]
    assert source(style, "model") is faces(graph)
    assert source(style, "ip_adapter").values["ip_adapter"] == IP_ADAPTER_PLUS.name
    assert (style.values["blocks"], style.values["picture_strength"]) == ("style transfer", BESIDE_WORDS)
    assert source(node_of(graph, "KSampler"), "model") is style
